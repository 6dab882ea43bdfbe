/* What `clxent explain` prints: a page for people, or JSON lines. */
#include "explain.h"
#include "json.h"

#include <stdio.h>

static const char *const states[] = {
    [EXPLAIN_IN_USE] = "in use", [EXPLAIN_NOT_CHOSEN] = "not chosen", [EXPLAIN_REFUSED] = "refused"};

/* ---- for people ---- */

typedef struct bytes_text {
    char text[32];
} bytes_text;

/* "412 MB": in thousands, as gigabytes per second are. */
static bytes_text write_bytes(double bytes) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    bytes_text result;
    size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1000;
    snprintf(result.text, sizeof result.text, "%.*f %s", unit > 0 && bytes < 100 ? 1 : 0, bytes, units[unit]);
    return result;
}

static const char *plural(unsigned long long count) {
    return count == 1 ? "" : "s";
}

static void print_engines(const explanation *all) {
    puts("Engines");
    for (size_t i = 0; i < EXPLAIN_ENGINES; i++)
        printf("  %-14s %-11s %s\n", all->engines[i].name, states[all->engines[i].state], all->engines[i].reason);
}

static void print_call(const explanation *all) {
    const clxent_plan_info *info = &all->info;
    puts("\nA plan, and a call of it");
    printf("  programs       %u built, the plan made in %.1f ms\n", info->programs_built, all->plan_ms);
    printf("  kernels        %u launched by a call\n", info->kernels);
    printf("  work-items     %zu over the rows, in work-groups of %zu\n", info->work_items, info->work_group_size);
    printf("  workspace      %zu byte%s\n", info->workspace_size, plural(info->workspace_size));
}

static void print_tensors(const bench_traffic *traffic) {
    if (traffic->reads > 0)
        printf("%u tensor%s read", traffic->reads, plural(traffic->reads));
    else if (traffic->writes == 0)
        printf("a number of each row read");
    if (traffic->writes > 0)
        printf("%s%u%s written", traffic->reads > 0 ? ", " : "", traffic->writes, traffic->reads > 0 ? "" : " tensor");
    puts(traffic->indices ? ", a class for each row" : "");
}

static void print_time(const bench *b, const explanation *all) {
    puts("\nThe least that it takes");
    printf("  bytes          %s: ", write_bytes(all->traffic.bytes).text);
    print_tensors(&all->traffic);
    printf("  memory         %.1f GB/s, as a kernel reaches that does no more (%s)\n", all->ceiling_gbps, all->ceiling);
    printf("  launches       %.1f us each, as empty kernels in a row take\n", b->launch_row_us);
    printf("  time           %.4g ms\n", all->least_ms);
}

void explain_print(const bench *b, const explanation *all) {
    printf("%s\n%s (%s)\n\n", bench_describe(&all->what).text, b->device.name, b->device.platform);
    print_engines(all);
    print_call(all);
    print_time(b, all);
}

/* ---- JSON ---- */

void explain_print_json(const bench *b, const explanation *all) {
    const clxent_plan_info *info = &all->info;
    json object;
    json_begin(&object);
    json_string(&object, "op", bench_op_names[all->what.op]);
    json_string(&object, "pass", bench_pass_names[all->what.pass]);
    json_string(&object, "dtype", bench_dtype_names[all->what.dtype]);
    json_counts(&object, "shape", all->what.shape, all->what.rank);
    json_string(&object, "engine", info->engine_name);
    json_count(&object, "programs_built", info->programs_built);
    json_real(&object, "plan_ms", all->plan_ms);
    json_count(&object, "kernels", info->kernels);
    json_count(&object, "work_items", info->work_items);
    json_count(&object, "work_group_size", info->work_group_size);
    json_count(&object, "workspace_bytes", info->workspace_size);
    json_count(&object, "bytes", (unsigned long long)all->traffic.bytes);
    json_string(&object, "ceiling", all->ceiling);
    json_real(&object, "ceiling_gbps", all->ceiling_gbps);
    json_real(&object, "launch_row_us", b->launch_row_us);
    json_real(&object, "least_ms", all->least_ms);
    json_string(&object, "device", b->device.name);
    json_string(&object, "platform", b->device.platform);
    json_end(&object);
    for (size_t i = 0; i < EXPLAIN_ENGINES; i++) {
        json_begin(&object);
        json_string(&object, "engine", all->engines[i].name);
        json_string(&object, "state", states[all->engines[i].state]);
        json_string(&object, "reason", all->engines[i].reason);
        json_end(&object);
    }
}
