#include "command/report/html.h"
#include "command/report/svg.h"

/* Pixels: a bar of shares, and rows of cells above the names of their columns. */
enum { SHARES_HEIGHT = 34, ROW_HEIGHT = 22, CELL_HEIGHT = 20, BASELINE = 14, WORDS_HEIGHT = 18 };
#define NAMES_PERCENT 11.0 /* to the left of the cells */
#define GAP_PERCENT 0.25   /* between shares and between cells */
#define OPACITY_LEAST 0.06
#define OPACITY_MOST 0.4 /* a number in the colour of text is read on it, in light and in dark */

static void begin(struct buf *b, const char *kind, int height, struct str name)
{
    buf_printf(b, "<svg class=\"%s\" role=\"img\" width=\"100%%\" height=\"%d\" aria-label=\"",
               kind, height);
    html_add(b, name);
    buf_add(b, S("\">\n"));
}

static void add_title(struct buf *b, struct str name)
{
    buf_add(b, S("<title>"));
    html_add(b, name);
    buf_add(b, S("</title></rect>\n"));
}

void svg_shares(struct buf *b, struct str name, const struct svg_share *part, size_t n)
{
    double left = 0;
    begin(b, "plot shares", SHARES_HEIGHT, name);
    for (size_t i = 0; i < n; i++) {
        const double width = 100 * part[i].share;
        if (width > 0) {
            buf_printf(b,
                       "<rect class=\"mark share%zu\" x=\"%.2f%%\" y=\"1\" width=\"%.2f%%\" "
                       "height=\"%d\">",
                       i, left, width > 2 * GAP_PERCENT ? width - GAP_PERCENT : width,
                       SHARES_HEIGHT - 2);
            add_title(b, part[i].name);
        }
        left += width;
    }
    buf_add(b, S("</svg>\n"));
}

static double most_of(const struct svg_cells *c)
{
    double most = 0;
    for (size_t i = 0; i < c->rows_n * c->columns_n; i++) {
        most = c->cell[i].value > most ? c->cell[i].value : most;
    }
    return most;
}

static void add_cell(struct buf *b, const struct svg_cells *c, size_t i, double most)
{
    const struct svg_cell *const cell = &c->cell[i];
    const double slot = (100 - NAMES_PERCENT) / (double)c->columns_n;
    const double x = NAMES_PERCENT + (double)(i % c->columns_n) * slot;
    const int y = (int)(i / c->columns_n) * ROW_HEIGHT;
    const double share = most > 0 ? cell->value / most : 0;
    buf_printf(b,
               "<rect class=\"%s\" x=\"%.2f%%\" y=\"%d\" width=\"%.2f%%\" height=\"%d\" "
               "fill-opacity=\"%.2f\">",
               cell->value > 0 ? "mark" : "mark none", x + GAP_PERCENT / 2, y, slot - GAP_PERCENT,
               CELL_HEIGHT, OPACITY_LEAST + (OPACITY_MOST - OPACITY_LEAST) * share);
    add_title(b, cell->name);
    if (cell->told.len > 0) {
        buf_printf(b, "<text class=\"told\" x=\"%.2f%%\" y=\"%d\" text-anchor=\"middle\">",
                   x + slot / 2, y + BASELINE);
        html_add(b, cell->told);
        buf_add(b, S("</text>\n"));
    }
}

void svg_cells(struct buf *b, const struct svg_cells *c)
{
    const double most = most_of(c), slot = (100 - NAMES_PERCENT) / (double)c->columns_n;
    const int ground = (int)c->rows_n * ROW_HEIGHT;
    begin(b, "plot cells", ground + WORDS_HEIGHT, c->name);
    for (size_t row = 0; row < c->rows_n; row++) {
        buf_printf(b, "<text x=\"0\" y=\"%d\">%s</text>\n", (int)row * ROW_HEIGHT + BASELINE,
                   c->row[row]);
        for (size_t i = 0; i < c->columns_n; i++) {
            add_cell(b, c, row * c->columns_n + i, most);
        }
    }
    for (size_t i = 0; i < c->columns_n; i++) {
        buf_printf(b, "<text x=\"%.2f%%\" y=\"%d\">%s</text>\n",
                   NAMES_PERCENT + (double)i * slot + GAP_PERCENT / 2, ground + BASELINE,
                   c->column[i]);
    }
    buf_add(b, S("</svg>\n"));
}
