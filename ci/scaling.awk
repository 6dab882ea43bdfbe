# Draws docs/pictures/scaling.svg from what ci/scaling.sh has measured: on the left the bytes that a process receives for each row, by the
# formula and as counted; on the right what the model of docs/scaling.md says of a step, for up to 1024 processes. The numbers of
# the model are at its head.
BEGIN {
    rows = 4096        # of a step
    number = 2         # bytes of a logit, BF16
    memory = 2e12      # bytes a second of a device's memory
    wire = 25e9        # bytes a second into a process
    message = 2e-6     # seconds that a message takes whatever is in it
    measured_rows = 4096
}

/^== .* in [0-9]+$/ { ranks = $NF }
$1 ~ /^[0-9]+$/ && NF == 8 { count[ranks]++; bytes[ranks] += $2 }

function log2(x) { return log(x) / log(2) }
function line(class, points) { printf "<polyline class=\"%s\" points=\"%s\"/>\n", class, points }
function text(class, x, y, anchor, what) {
    printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", class, x, y, anchor, what
}

# Places of a number of processes, of bytes a row, and of a time.
function left(p) { return 70 + 380 * log2(p) / 10 }
function right(p) { return 570 + 380 * log2(p) / 10 }
function byte(b) { return 400 - 300 * b / 50 }
function time(t) { return 400 - 300 * (log(t) / log(10) + 7) / 7 }

function grid(x0,    p) {
    for (p = 1; p <= 1024; p *= 4) {
        printf "<path class=\"grid\" d=\"M%.1f 100V400\"/>\n", x0 + 380 * log2(p) / 10
        text("quiet", x0 + 380 * log2(p) / 10, 420, "middle", p)
    }
    text("quiet", x0 + 190, 442, "middle", "processes")
}

END {
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1080 470\" width=\"1080\" height=\"470\" role=\"img\">"
    print "<title>What a cross-entropy costs each process when its classes are dealt out</title>"
    print "<style>"
    print "text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2933; }"
    print ".title { font-size: 15px; font-weight: 600; }"
    print ".quiet { font-size: 12px; fill: #5a6672; }"
    print ".grid { stroke: #8894a0; stroke-opacity: 0.35; fill: none; }"
    print "polyline { fill: none; stroke-width: 2; }"
    print ".kernel { stroke: #2f6fb3; }"
    print ".wire { stroke: #b3542f; }"
    print ".message { stroke: #7a4fa3; }"
    print ".dot { fill: #1f2933; }"
    print "@media (prefers-color-scheme: dark) {"
    print "text { fill: #e6ebf0; }"
    print ".quiet { fill: #a3afba; }"
    print ".kernel { stroke: #6aa9e6; }"
    print ".wire { stroke: #e6906a; }"
    print ".message { stroke: #b892dc; }"
    print ".dot { fill: #e6ebf0; }"
    print "}"
    print "</style>"

    text("title", 24, 36, "start", "bytes that a process receives for each row")
    text("quiet", 24, 60, "start", "8 n (P-1)/P, float; dots: counted, n = 3")
    for (b = 0; b <= 50; b += 10) {
        printf "<path class=\"grid\" d=\"M70 %.1fH450\"/>\n", byte(b)
        text("quiet", 62, byte(b) + 4, "end", b)
    }
    grid(70)
    for (n = 3; n <= 6; n++) {
        points = ""
        for (i = 0; i <= 100; i++) {
            p = 2 ^ (i / 10)
            points = points sprintf("%.1f,%.1f ", left(p), byte(8 * n * (p - 1) / p))
        }
        line("wire", points)
        text("quiet", 456, byte(8 * n * 1023 / 1024) + 4, "start", "n = " n)
    }
    for (p in count)
        printf "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", left(p), byte(bytes[p] / count[p] / measured_rows)

    text("title", 524, 36, "start", "a step of 4096 rows in BF16, by the model")
    text("quiet", 524, 60, "start", "devices of 2 TB/s, 25 GB/s into each process, 2 us a message; one block")
    split("0.1 us;1 us;10 us;100 us;1 ms;10 ms;100 ms;1 s", label, ";")
    for (i = 0; i <= 7; i++) {
        printf "<path class=\"grid\" d=\"M570 %.1fH950\"/>\n", time(10 ^ (i - 7))
        text("quiet", 562, time(10 ^ (i - 7)) + 4, "end", label[i + 1])
    }
    grid(570)
    split("50257 131072 1000000 10000000", vocabulary, " ")
    split("50 257 classes;131 072;1 million;10 million", name, ";")
    for (v = 1; v <= 4; v++) {
        points = ""
        for (i = 0; i <= 100; i++) {
            t = 3 * number * rows * vocabulary[v] / memory / 2 ^ (i / 10)
            points = points sprintf("%.1f,%.1f ", right(2 ^ (i / 10)), time(t))
        }
        line("kernel", points)
        t = 3 * number * rows * vocabulary[v] / memory
        text("quiet", right(1024) + 6, time(t / 1024) + 4, "start", name[v])
    }
    points = ""
    for (i = 10; i <= 100; i++) {
        p = 2 ^ (i / 10)
        points = points sprintf("%.1f,%.1f ", right(p), time(24 * rows * (p - 1) / p / wire))
    }
    line("wire", points)
    text("quiet", right(1024) + 6, time(24 * rows / wire) + 4, "start", "bytes on the wire")
    points = ""
    for (i = 10; i <= 100; i++) {
        p = 2 ^ (i / 10)
        points = points sprintf("%.1f,%.1f ", right(p), time(2 * (p - 1) * message))
    }
    line("message", points)
    text("quiet", right(1024) + 6, time(2 * 1023 * message) + 4, "start", "messages")
    print "</svg>"
}
