/* The picture of a run: an SVG file with one bar per line against its ceiling.
 *
 * The ceiling is the full width of a bar's track, and the bar is as long as the fraction. Lines with the same ceiling
 * stand together. Colours follow the reader's choice of light or dark, and there is no background. */
#include "bench_plot.h"

#include "message.h"
#include "os.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WIDTH = 1040,
    MARGIN = 24,
    TRACK_LEFT = 404,
    TRACK_WIDTH = 384,
    ROW = 26,
    BAR = 16,
    GROUP_HEAD = 44,
    HEAD = 84,
    FOOT = 44
};

static const char style[] = "<style>\n"
                            "text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2933; }\n"
                            ".title { font-size: 18px; font-weight: 600; }\n"
                            ".group { font-size: 14px; font-weight: 600; }\n"
                            ".quiet { font-size: 12px; fill: #5a6672; }\n"
                            ".track { fill: #8894a0; fill-opacity: 0.22; }\n"
                            ".bar { fill: #2f6fb3; }\n"
                            ".grid { stroke: #8894a0; stroke-opacity: 0.55; stroke-width: 1; }\n"
                            "@media (prefers-color-scheme: dark) {\n"
                            "text { fill: #e6ebf0; }\n"
                            ".quiet { fill: #a3afba; }\n"
                            ".bar { fill: #6aa9e6; }\n"
                            "}\n"
                            "</style>\n";

/* What a ceiling is, for those who see the picture alone. */
static const struct {
    const char *name, *title;
} groups[] = {
    {"read", "against a kernel that reads and sums"},
    {"read of two", "against a kernel that reads and sums two tensors"},
    {"copy", "against a kernel that scales and copies"},
    {"copy of two", "against a kernel that adds two tensors into a third"},
    {"scale in place", "against a kernel that scales in place"},
    {"scale of two in place", "against a kernel that adds two tensors into one of them"},
    {"write", "against a kernel that only writes"},
};
enum { GROUPS = sizeof groups / sizeof groups[0] };

/* Names of devices come from drivers. */
static void put_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '&')
            fputs("&amp;", out);
        else if (byte == '<')
            fputs("&lt;", out);
        else if (byte == '>')
            fputs("&gt;", out);
        else
            fputc(byte < 0x20 || byte > 0x7e ? '?' : byte, out);
    }
}

static void put_head(FILE *out, const bench *b, int height) {
    char date[32] = "";
    time_t seconds = time(NULL);
    const struct tm *parts = gmtime(&seconds);
    if (parts != NULL)
        strftime(date, sizeof date, "%Y-%m-%d", parts);
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
        WIDTH, height, WIDTH, height);
    fputs("<title>clxent bench: fractions of the ceiling of memory</title>\n", out);
    fputs(style, out);
    fprintf(out, "<text class=\"title\" x=\"%d\" y=\"36\">clxent ", MARGIN);
    put_text(out, clxent_version());
    fputs(": how near to the ceiling of memory</text>\n", out);
    fprintf(out, "<text class=\"quiet\" x=\"%d\" y=\"60\">", MARGIN);
    put_text(out, b->device.name);
    fputs(" (", out);
    put_text(out, b->device.platform);
    fprintf(out, "), %s; an empty kernel takes %.1f us</text>\n", date, b->launch_us);
}

/* Short enough for its place. */
static const char *short_name(clxent_op op) {
    return op == CLXENT_BINARY_CROSS_ENTROPY               ? "bce"
           : op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS ? "bce-with-logits"
                                                           : bench_op_names[op];
}

static void put_bar(FILE *out, const bench_line *line, int y) {
    const bench_case *c = &line->what;
    double length = TRACK_WIDTH * (line->fraction < 1 ? line->fraction : 1);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s %s <tspan class=\"quiet\">%s %s</tspan></text>\n",
            TRACK_LEFT - 12, y + 13, short_name(c->op), bench_pass_names[c->pass], bench_write_shape(c).text,
            c->dtype == CLXENT_F32 ? "" : bench_dtype_names[c->dtype]);
    fprintf(out, "<rect class=\"track\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>\n", TRACK_LEFT, y,
            TRACK_WIDTH, BAR);
    fprintf(out, "<rect class=\"bar\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>\n", TRACK_LEFT, y,
            length, BAR);
    fprintf(out,
            "<text x=\"%d\" y=\"%d\">%.2f <tspan class=\"quiet\" dx=\"4\">%.1f of %.1f GB/s, %.3g ms</tspan></text>\n",
            TRACK_LEFT + TRACK_WIDTH + 12, y + 13, line->fraction, line->gbps, line->ceiling_gbps, line->ms);
}

static bool in_group(const bench_line *line, size_t group) {
    return strcmp(line->ceiling, groups[group].name) == 0;
}

static size_t count_group(const bench_line *lines, size_t count, size_t group) {
    size_t members = 0;
    for (size_t i = 0; i < count; i++)
        members += in_group(&lines[i], group);
    return members;
}

/* Thin lines at the quarters, through all bars of a group, and their numbers at its head. */
static void put_grid(FILE *out, int top, int bottom) {
    for (int quarter = 1; quarter <= 4; quarter++) {
        int x = TRACK_LEFT + TRACK_WIDTH * quarter / 4;
        fprintf(out, "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", x, top, x, bottom);
        fprintf(out, "<text class=\"quiet\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%.2f</text>\n", x, top - 5,
                0.25 * quarter);
    }
}

static void put_picture(FILE *out, const bench *b, const bench_line *lines, size_t count) {
    int height = HEAD + FOOT + ROW * (int)count, y = HEAD;
    for (size_t group = 0; group < GROUPS; group++)
        height += count_group(lines, count, group) > 0 ? GROUP_HEAD : 0;
    put_head(out, b, height);
    for (size_t group = 0; group < GROUPS; group++) {
        int members = (int)count_group(lines, count, group);
        if (members == 0)
            continue;
        fprintf(out, "<text class=\"group\" x=\"%d\" y=\"%d\">%s</text>\n", MARGIN, y + 20, groups[group].title);
        y += GROUP_HEAD;
        for (size_t i = 0; i < count; i++)
            if (in_group(&lines[i], group)) {
                put_bar(out, &lines[i], y);
                y += ROW;
            }
        put_grid(out, y - ROW * members - 8, y - ROW + BAR + 2);
    }
    fprintf(out,
            "<text class=\"quiet\" x=\"%d\" y=\"%d\">Full width is what the kernel named above each group reached in "
            "the same "
            "run, in turn with the operation. Without a type: f32.</text>\n</svg>\n",
            MARGIN, y + 22);
}

/* Closes it in any case. */
static bool write_picture(int fd, const bench *b, const bench_line *lines, size_t count) {
    FILE *out = os_stream(fd);
    if (out == NULL) {
        os_close(fd);
        return false;
    }
    put_picture(out, b, lines, count);
    bool written = !ferror(out);
    return fclose(out) == 0 && written;
}

int bench_plot_write(const char *path, const bench *b, const bench_line *lines, size_t count) {
    outputs files = {.count = 0};
    int fd = -1, status = outputs_open(&files, path, &fd);
    if (status == STATUS_OK && !write_picture(fd, b, lines, count))
        status = complain("cannot write %s: %s", path, strerror(errno));
    if (status == STATUS_OK)
        status = outputs_commit(&files);
    outputs_close(&files);
    return status;
}

int bench_plot_check(const char *path) {
    outputs files = {.count = 0};
    int fd = -1, status = outputs_open(&files, path, &fd);
    if (status == STATUS_OK)
        os_close(fd);
    outputs_close(&files);
    return status;
}
