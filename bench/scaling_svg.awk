# Draws the curve of scaling.sh. Reads lines "WORKERS WALL CPU"; `cpus` and `title` are given.

function x(workers) { return 70 + 600 * (workers - 1) / (last > 1 ? last - 1 : 1) }
function y(seconds) { return 350 - 290 * seconds / top }
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }
function bound(workers) { return cpu / (workers < cpus ? workers : cpus) }

# The smallest of 1, 2 and 5 times a power of ten by which the axis has no more than six steps.
function step(range,    size) {
    for (size = 0.001; ; size *= 10) {
        if (range / size <= 6) return size
        if (range / (2 * size) <= 6) return 2 * size
        if (range / (5 * size) <= 6) return 5 * size
    }
}

{ count++; workers[count] = $1; wall[count] = $2; last = $1; if ($2 > top) top = $2; if (count == 1) cpu = $3 }

END {
    if (!count) exit 1
    if (cpu > top) top = cpu
    top *= 1.05
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 410\" font-family=\"sans-serif\" font-size=\"12\">"
    print "<rect width=\"700\" height=\"410\" fill=\"white\"/>"
    printf "<text x=\"70\" y=\"28\" font-size=\"15\">%s, %d CPUs</text>\n", escaped(title), cpus
    for (tick = 0; tick <= top; tick += step(top)) {
        printf "<path d=\"M70 %.1fH670\" stroke=\"#ddd\"/><text x=\"62\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
            y(tick), y(tick) + 4, tick
    }
    for (i = 1; i <= count; i++) {
        printf "<text x=\"%.1f\" y=\"370\" text-anchor=\"middle\">%d</text>\n", x(workers[i]), workers[i]
        line = line (i > 1 ? "L" : "M") sprintf("%.1f %.1f", x(workers[i]), y(wall[i]))
        ideal = ideal (i > 1 ? "L" : "M") sprintf("%.1f %.1f", x(workers[i]), y(bound(workers[i])))
    }
    printf "<path d=\"%s\" fill=\"none\" stroke=\"#999\" stroke-dasharray=\"5 4\"/>\n", ideal
    printf "<path d=\"%s\" fill=\"none\" stroke=\"#06c\" stroke-width=\"2\"/>\n", line
    for (i = 1; i <= count; i++) {
        printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"#06c\"/>\n", x(workers[i]), y(wall[i])
    }
    print "<text x=\"370\" y=\"395\" text-anchor=\"middle\">workers</text>"
    print "<text x=\"20\" y=\"200\" transform=\"rotate(-90 20 200)\" text-anchor=\"middle\">seconds</text>"
    print "<text x=\"670\" y=\"48\" text-anchor=\"end\" fill=\"#555\">dashed: CPU time of one worker / min(workers, CPUs)</text>"
    print "</svg>"
}
