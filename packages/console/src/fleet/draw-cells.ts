import type { FleetStanding } from "@stackyard/executor-runcommand/report";

/** Where the cells are. */
export interface CellLayout {
  readonly columns: number;
  readonly rows: number;
  /** With the gap to the next cell. */
  readonly cellPx: number;
}

const SIZES_PX: readonly number[] = [16, 14, 12, 10, 8, 7, 6, 5];
const SMALLEST_PX = 5;
const MAX_HEIGHT_PX = 480;

/** Chooses the largest cells with which the map of all instances stays lower than 480 px. */
export function layOut(count: number, widthPx: number, all: number): CellLayout {
  const fits = (cellPx: number) => Math.ceil(all / Math.max(1, Math.floor(widthPx / cellPx))) * cellPx <= MAX_HEIGHT_PX;
  const cellPx = SIZES_PX.find(fits) ?? SMALLEST_PX;
  const columns = Math.max(1, Math.floor(widthPx / cellPx));
  return { columns, rows: Math.ceil(count / columns), cellPx };
}

/** Returns the place of the cell at a point; -1 between the cells' columns. */
export function findCell({ columns, cellPx }: CellLayout, x: number, y: number): number {
  const column = Math.floor(x / cellPx);
  return column >= columns || column < 0 || y < 0 ? -1 : Math.floor(y / cellPx) * columns + column;
}

/** Colors of the page's theme. */
export interface CellColors {
  readonly fills: Readonly<Record<FleetStanding, string>>;
  /** The color of the strokes that distinguish failures without color. */
  readonly hatch: string;
  readonly outline: string;
  readonly mark: string;
}

/** Reads the colors of the theme that an element has. */
export function readColors(element: Element): CellColors {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    fills: {
      failed: token("failed-fill"),
      cancelled: token("late-fill"),
      "not sent": token("control"),
      unknown: token("waiting-fill"),
      running: token("busy-fill"),
      waiting: token("sunken"),
      skipped: token("line"),
      // Lighter than what needs a look: most cells are of this kind.
      succeeded: `color-mix(in srgb, ${token("healthy-fill")} 45%, ${token("surface")})`,
    },
    hatch: token("surface"),
    outline: token("control"),
    mark: token("text"),
  };
}

interface DrawInput {
  readonly standings: readonly FleetStanding[];
  readonly layout: CellLayout;
  readonly colors: CellColors;
  /** The place of the chosen cell; -1: none. */
  readonly marked?: number;
}

const HATCHED: ReadonlySet<FleetStanding> = new Set(["failed", "cancelled", "not sent", "unknown"]);

/** Draws the cells, one color after the other. */
export function drawCells(canvas: HTMLCanvasElement, { standings, layout, colors, marked = -1 }: DrawInput): void {
  const { columns, rows, cellPx } = layout;
  const [width, height] = [columns * cellPx, rows * cellPx];
  const scale = devicePixelRatio;
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(scale, scale);
  const size = cellPx - 1;
  const placeOf = (index: number) => [(index % columns) * cellPx, Math.floor(index / columns) * cellPx] as const;
  for (const [standing, places] of Map.groupBy(standings.keys(), (index) => standings[index])) {
    if (standing === undefined) continue;
    context.fillStyle = colors.fills[standing];
    for (const index of places) context.fillRect(...placeOf(index), size, size);
    if (HATCHED.has(standing)) hatch(context, places.map(placeOf), size, colors.hatch);
    if (standing === "waiting") outline(context, places.map(placeOf), size, colors.outline);
  }
  if (marked >= 0) outline(context, [placeOf(marked)], size, colors.mark, 2);
}

type Places = readonly (readonly [x: number, y: number])[];

function hatch(context: CanvasRenderingContext2D, places: Places, size: number, color: string): void {
  context.strokeStyle = color;
  context.lineWidth = Math.max(1, size / 7);
  context.beginPath();
  for (const [x, y] of places) {
    context.moveTo(x, y + size);
    context.lineTo(x + size, y);
  }
  context.stroke();
}

function outline(context: CanvasRenderingContext2D, places: Places, size: number, color: string, width = 1): void {
  context.strokeStyle = color;
  context.lineWidth = width;
  for (const [x, y] of places) context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
}
