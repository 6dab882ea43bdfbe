/* Losses of a model that tells what each pixel of an image shows: logits of shape (N, C, H, W), class weights for what is
 * rare, a label for pixels that do not count, and the loss of each pixel as a picture. Two scenes are made up, and so are
 * the logits: of a model that sees the scenes blurred, takes parts of trees for grass, and seldom expects a sign.
 *
 *   segmentation PICTURE.ppm
 *
 * The picture has a row for each scene: its labels; what the model sees in it; the loss, from black (none) over red and
 * yellow to white (WHITE and more). Grey pixels do not count. The exit status is 1 on any failure, and where the mean that
 * clxent gives is not the weighted mean of the losses that it gives for the pixels. */
#include <clxent.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { SKY, GRASS, ROAD, TREE, SIGN, CLASSES, IGNORED = 255 };
enum { SCENES = 2, HEIGHT = 160, WIDTH = 200, PIXELS = HEIGHT * WIDTH, BLUR = 3, WHITE = 4 };

typedef unsigned char colour[3];
static const char *const names[CLASSES] = {"sky", "grass", "road", "tree", "sign"};
static const colour colours[CLASSES] = {{130, 190, 240}, {120, 190, 80}, {80, 80, 90}, {30, 100, 50}, {230, 60, 50}};
static const float weights[CLASSES] = {1, 1, 1, 1, 4};

typedef struct scenes {
    uint8_t label[SCENES][HEIGHT][WIDTH], target[SCENES][PIXELS]; /* target: the label, or IGNORED */
    float logits[SCENES][CLASSES][HEIGHT][WIDTH];
    float loss[SCENES][PIXELS], mean;
    int64_t seen[SCENES][PIXELS]; /* the class with the largest logit */
} scenes;

static bool in_disc(int x, int y, int centre_x, int centre_y, int radius) {
    return (x - centre_x) * (x - centre_x) + (y - centre_y) * (y - centre_y) <= radius * radius;
}

static int draw_label(int scene, int x, int y) {
    const int horizon = 60 + (x - 90) * (x - 90) / 800, far = HEIGHT - y, bend = scene ? 40 : -25;
    const int side = scene ? 50 : 125, trees[3] = {scene ? 170 : 30, scene ? 20 : 62, scene ? 110 : 185};
    if (in_disc(x, y, side, 75, 5) || (x >= side - 1 && x <= side + 1 && y > 75 && y < 105))
        return SIGN;
    for (int i = 0; i < 3; i++)
        if (in_disc(x, y, trees[i], 58 + 12 * i, 16 + 3 * i) ||
            (x >= trees[i] - 2 && x <= trees[i] + 2 && y > 58 + 12 * i && y < 95 + 14 * i))
            return TREE;
    if (y < horizon)
        return SKY;
    int from_middle = x - 100 - bend * far * far / 10000;
    return from_middle * from_middle < (y - horizon + 6) * (y - horizon + 6) / 4 ? ROAD : GRASS;
}

/* Labels, and as targets all but the pixels at the border of two things, where labels by hand are seldom right. */
static void draw(scenes *s) {
    for (int n = 0; n < SCENES; n++)
        for (int i = 0; i < PIXELS; i++)
            s->label[n][i / WIDTH][i % WIDTH] = (uint8_t)draw_label(n, i % WIDTH, i / WIDTH);
    for (int n = 0; n < SCENES; n++)
        for (int i = 0; i < PIXELS; i++) {
            int x = i % WIDTH, y = i / WIDTH, l = s->label[n][y][x];
            bool border = (x > 0 && s->label[n][y][x - 1] != l) || (x < WIDTH - 1 && s->label[n][y][x + 1] != l) ||
                          (y > 0 && s->label[n][y - 1][x] != l) || (y < HEIGHT - 1 && s->label[n][y + 1][x] != l);
            s->target[n][i] = (uint8_t)(border ? IGNORED : l);
        }
}

/* A number from 0 to 1 for a place, which has nothing to do with that of the place next to it. */
static float noise(unsigned x, unsigned y) {
    unsigned z = (x * 0x9e3779b1u) ^ (y * 0x85ebca77u);
    z = (z ^ z >> 15) * 0x2c1b3c6du;
    z = (z ^ z >> 12) * 0x297a2d39u;
    return (float)((z ^ z >> 15) >> 8) / (1 << 24);
}

/* The logits of the model that the head of this file describes. */
static void look(scenes *s) {
    for (int n = 0; n < SCENES; n++)
        for (int i = 0; i < PIXELS; i++) {
            int x = i % WIDTH, y = i / WIDTH, count[CLASSES] = {0}, all = 0;
            for (int v = y - BLUR; v <= y + BLUR; v++)
                for (int u = x - BLUR; u <= x + BLUR; u++)
                    if (u >= 0 && u < WIDTH && v >= 0 && v < HEIGHT) {
                        count[s->label[n][v][u]]++;
                        all++;
                    }
            float patch = noise((unsigned)(x / 6), (unsigned)(y / 6 + 1000 * n));
            for (int c = 0; c < CLASSES; c++)
                s->logits[n][c][y][x] =
                    6 * (float)count[c] / (float)all + noise((unsigned)(i + PIXELS * n), (unsigned)c);
            s->logits[n][GRASS][y][x] += 9 * patch * patch * (float)count[TREE] / (float)all;
            s->logits[n][SIGN][y][x] -= 2;
        }
}

/* The loss of each pixel and their mean. H and W are one `inner`; a class index of a pixel has a byte. */
static bool compute(clxent_context *context, scenes *s) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.target_type = CLXENT_TARGET_U8;
    desc.reduction = CLXENT_REDUCTION_NONE;
    desc.batch = SCENES;
    desc.classes = CLASSES;
    desc.inner = PIXELS;
    desc.ignore_index = IGNORED;

    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = s->logits;
    args.target = s->target;
    args.weight = weights;
    args.output = s->loss;
    args.argmax = s->seen;
    bool done = clxent_run(context, &desc, &args) == CLXENT_SUCCESS;
    desc.reduction = CLXENT_REDUCTION_MEAN; /* what training would minimise; FORWARD_BACKWARD has its gradient, too */
    args.output = &s->mean;
    done = done && clxent_run(context, &desc, &args) == CLXENT_SUCCESS;
    if (!done)
        fprintf(stderr, "%s\n", clxent_last_error());
    return done;
}

/* Prints what came out for each class. Is the mean the sum of the losses, divided by the weights of what counts? */
static bool report(const scenes *s) {
    double sum = 0, divisor = 0;
    puts("class  weight   pixels  recognised  loss per pixel");
    for (int c = 0; c < CLASSES; c++) {
        double loss = 0;
        int pixels = 0, seen = 0;
        for (int n = 0; n < SCENES; n++)
            for (int i = 0; i < PIXELS; i++)
                if (s->target[n][i] == c) {
                    loss += (double)s->loss[n][i];
                    seen += s->seen[n][i] == c;
                    pixels++;
                }
        printf("%-5s  %6g  %7d  %8.1f %%  %14.4f\n", names[c], (double)weights[c], pixels, 100.0 * seen / pixels,
               loss / pixels);
        sum += loss;
        divisor += (double)weights[c] * pixels;
    }
    printf("weighted mean %.6f, from the pixels %.6f\n", (double)s->mean, sum / divisor);
    if (fabs((double)s->mean - sum / divisor) <= 1e-6 * sum / divisor)
        return true;
    fprintf(stderr, "the weighted mean is not that of the pixels\n");
    return false;
}

static void put(FILE *file, int class) {
    static const colour grey = {128, 128, 128};
    fwrite(class == IGNORED ? grey : colours[class], 1, sizeof(colour), file);
}

static void put_heat(FILE *file, float heat) {
    for (int i = 0; i < 3; i++)
        fputc((int)(255 * fminf(fmaxf(3 * heat - (float)i, 0), 1)), file);
}

static bool write_picture(const scenes *s, const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(file, "P6\n%d %d\n255\n", 3 * WIDTH, SCENES * HEIGHT);
    for (int i = 0; i < SCENES * HEIGHT; i++) {
        const int n = i / HEIGHT, begin = i % HEIGHT * WIDTH, end = begin + WIDTH;
        for (int k = begin; k < end; k++)
            put(file, s->target[n][k]);
        for (int k = begin; k < end; k++)
            put(file, (int)s->seen[n][k]);
        for (int k = begin; k < end; k++)
            if (s->target[n][k] == IGNORED)
                put(file, IGNORED);
            else
                put_heat(file, s->loss[n][k] / WHITE);
    }
    bool written = !ferror(file);
    if (fclose(file) != 0 || !written) {
        fprintf(stderr, "cannot write all of %s\n", path);
        remove(path);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    static scenes s;
    if (argc != 2) {
        fprintf(stderr, "usage: segmentation PICTURE.ppm\n");
        return 1;
    }
    draw(&s);
    look(&s);
    clxent_context *context = NULL;
    bool done = clxent_context_create_default(&context) == CLXENT_SUCCESS;
    if (!done)
        fprintf(stderr, "%s\n", clxent_last_error());
    done = done && compute(context, &s);
    clxent_context_destroy(context);
    return done && report(&s) && write_picture(&s, argv[1]) ? 0 : 1;
}
