"""The macros of TDengine's statistics; their arguments are aggregates, which DuckDB computes once."""

MACROS = {
    # Of integers: their number, their sum and the sum of their squares, all exact.
    "exact_variance(n, s, q)": "CASE WHEN n > 0 THEN (q * n - s * s)::DOUBLE / n / n END",
    # Of reals. Where the mean is far from 0 beside the spread, the sum of squares has lost too many digits. There
    # `w` stands for it, DuckDB's own variance, whose last digits differ from run to run: ten are kept.
    "real_variance(n, s, q, w)": """CASE WHEN n = 0 OR NOT isfinite(q) THEN NULL
        WHEN w = 0 OR (q - s * s / n) * 1000 >= q THEN CASE WHEN w = 0 THEN 0 ELSE (q - s * s / n) / n END
        ELSE round(w, 9 - floor(log10(w))::INTEGER) END""",
    "percentiles_text(found)": "'[' || array_to_string(list_transform(found, lambda p: printf('%f', p)), ', ') || ']'",
    # The line through values, the first of which is at `start` and each next one `step` further.
    "line_text(found, start, step)": """list_transform(list_transform([found], lambda l: {
            'n': len(l)::DOUBLE, 'y': list_sum(l), 'xy': list_dot_product(l, range(len(l))::DOUBLE[])}),
        lambda v: CASE WHEN v.n > 1 AND step <> 0 THEN list_transform(
            [(v.xy - (v.n - 1) / 2 * v.y) * 12 / v.n / (v.n * v.n - 1)],
            lambda b: printf('{slop:%f, intercept:%f}', b / step, v.y / v.n - b * (v.n - 1) / 2 - b / step * start))[1]
        END)[1]""",
    # The newest two values, their times, and the ticks of a second.
    "rate_of(found, times, second)": """CASE WHEN coalesce(len(found), 0) < 2 THEN 0::DOUBLE
        ELSE (found[1] - CASE WHEN found[1] < found[2] THEN 0 ELSE found[2] END) * second / (times[1] - times[2])
        END""",
    # The start of the stretch of so many months that an instant lies in, and the instant so many months later. All
    # instants are microseconds since 1970; the months count from 1900.
    "month_start(us, months)": """list_transform(list_transform([make_timestamp(us)],
        lambda i: ((year(i) - 1900) * 12 + month(i) - 1) // months * months),
        lambda m: epoch_us(make_date(1900 + m // 12, m % 12 + 1, 1)::TIMESTAMP))[1]""",
    # The point at `x` of the line between two points: structs of an instant `w` and a value `o`.
    "line_between(a, b, x)": """list_transform([{'a': a, 'b': b}], lambda v:
        v.a.o + (v.b.o - v.a.o) * (x - v.a.w) / nullif(v.b.w - v.a.w, 0))[1]""",
    # The area under the line from (s, a) to (t, b), between the instants `low` and `high`.
    "line_area(a, b, s, t, low, high)": """list_transform([{'a': a, 'b': b, 'n': (t - s)::DOUBLE, 'l': low - s,
        'h': high - s}], lambda v: (v.a + (v.b - v.a) * (v.l + v.h) / 2 / nullif(v.n, 0)) * (v.h - v.l))[1]""",
    "month_later(us, months)": "epoch_us(make_timestamp(us) + to_months(months))",
    # `found` has a count for each upper end of a bin.
    "histogram_counts(found, ends, texts)": """list_transform([found], lambda m:
        list_transform(range(1, len(ends) + 1), lambda i: texts[i] || coalesce(m[ends[i]], 0) || '}'))[1]""",
    "histogram_shares(found, ends, texts)": """list_transform([found], lambda m: list_transform(
        [list_transform(ends, lambda e: coalesce(m[e], 0)::DOUBLE)], lambda n: list_transform(range(1, len(ends) + 1),
            lambda i: printf('%s%f}', texts[i], n[i] / greatest(list_sum(n), 1))))[1])[1]""",
}
