// Bar charts as SVG, written by hand because a chart library would be the largest dependency of the project. They carry
// both of their colour schemes, so that they read on a light and on a dark page.

export interface Bar {
  series: string;
  value: number;
  /** The spread's ends; drawn as a whisker where they are told. */
  least?: number;
  most?: number;
}

export interface Chart {
  /** Part of the file's name. */
  name: string;
  title: string;
  /** What the axis counts, with its unit. */
  axis: string;
  /** A logarithmic axis, for values of different orders of magnitude. */
  log?: boolean;
  groups: { label: string; bars: Bar[] }[];
}

const WIDTH = 860;
const LEFT = 260;
const RIGHT = 120;
const BAR = 18;
const GAP = 14;
const HUES = ["#2f6fb3", "#d9772b", "#3d9a63", "#a0529c", "#777777"];

const STYLE = `
  svg { background: #fff; color: #1d2433; font: 12px system-ui, sans-serif }
  .grid { stroke: #d7dbe2 } .whisker { stroke: #1d2433; stroke-width: 1.5 } .soft { fill: #596275 }
  @media (prefers-color-scheme: dark) {
    svg { background: #14181f; color: #e6e9ef }
    .grid { stroke: #333a46 } .whisker { stroke: #e6e9ef } .soft { fill: #a3acbb }
  }
  text { fill: currentColor } .title { font-size: 15px; font-weight: 600 }`;

export function chartSvg(chart: Chart): string {
  const series = [...new Set(chart.groups.flatMap(({ bars }) => bars.map((bar) => bar.series)))];
  const color = (name: string): string => HUES[series.indexOf(name) % HUES.length] ?? "#777777";
  const bars = chart.groups.flatMap((group) => group.bars);
  const scale = scaleOf(bars, chart.log === true);
  const top = 78;
  let y = top;
  const body: string[] = [];
  for (const { label, bars: own } of chart.groups) {
    const height = own.length * BAR;
    body.push(text(LEFT - 12, y + height / 2 + 4, label, 'text-anchor="end"'));
    for (const bar of own) {
      body.push(barSvg(bar, y, scale, color(bar.series)));
      y += BAR;
    }
    y += GAP;
  }
  const bottom = y;
  const grid = scale.ticks.map((tick) => {
    const x = LEFT + scale.at(tick);
    return `<line class="grid" x1="${x}" x2="${x}" y1="${top - 6}" y2="${bottom}"/>${text(x, bottom + 16, short(tick), 'text-anchor="middle" class="soft"')}`;
  });
  const legend = series.map((name, i) => {
    const x = LEFT + i * 140;
    return `<rect x="${x}" y="42" width="12" height="12" fill="${color(name)}"/>${text(x + 18, 52, name)}`;
  });
  const height = bottom + 48;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(chart.title)}</title><style>${STYLE}</style>`,
    text(16, 26, chart.title, 'class="title"'),
    ...legend,
    ...grid,
    ...body,
    text(
      LEFT + (WIDTH - LEFT - RIGHT) / 2,
      bottom + 36,
      axisWords(chart),
      'text-anchor="middle" class="soft"',
    ),
    "</svg>\n",
  ].join("\n");
}

function axisWords({ axis, log }: Chart): string {
  return log === true ? `${axis} (logarithmic)` : axis;
}

function barSvg({ value, least, most }: Bar, y: number, scale: Scale, color: string): string {
  const end = LEFT + scale.at(value);
  const middle = y + BAR / 2;
  const whisker =
    least === undefined || most === undefined
      ? ""
      : `<line class="whisker" x1="${LEFT + scale.at(least)}" x2="${LEFT + scale.at(most)}" y1="${middle}" y2="${middle}"/>`;
  const label = Math.max(end, LEFT + scale.at(most ?? value)) + 6;
  return `<rect x="${LEFT}" y="${y + 1}" width="${Math.max(1, end - LEFT)}" height="${BAR - 3}" fill="${color}"/>${whisker}${text(label, middle + 4, short(value))}`;
}

interface Scale {
  at(value: number): number;
  ticks: number[];
}

function scaleOf(bars: readonly Bar[], log: boolean): Scale {
  const length = WIDTH - LEFT - RIGHT;
  const highest = Math.max(...bars.map(({ value, most }) => most ?? value));
  if (!log) {
    const step = niceStep(highest / 5);
    const end = Math.ceil(highest / step) * step;
    const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
    return { at: (value) => (value / end) * length, ticks };
  }
  const lowest = Math.min(...bars.map(({ value, least }) => least ?? value).filter((value) => value > 0));
  const [from, to] = [Math.floor(Math.log10(lowest)), Math.ceil(Math.log10(highest))];
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
  return {
    at: (value) => Math.max(0, (Math.log10(value) - from) / Math.max(1, to - from)) * length,
    ticks,
  };
}

function niceStep(rough: number): number {
  const unit = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * unit).find((step) => step >= rough) ?? unit * 10;
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

function text(x: number, y: number, words: string, attributes = ""): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
