/* A program that uses clxent_mpi as installed, in C or in C++: the mean over all processes. */
#include <clxent_mpi.h>
#include <stdio.h>

int main(int argc, char **argv) {
    clxent_mpi_group *group = NULL;
    clxent_mpi_total total = {0, 0, 0, 0, 0};
    MPI_Init(&argc, &argv);
    clxent_status status = clxent_mpi_group_create(MPI_COMM_WORLD, &group);
    if (status == CLXENT_SUCCESS)
        status = clxent_mpi_mean(group, 6, 2, 2, 0, &total);
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s\n", clxent_last_error());
    clxent_mpi_group_destroy(group);
    MPI_Finalize();
    return status == CLXENT_SUCCESS && total.mean > 2.9 && total.mean < 3.1 ? 0 : 1;
}
