import type { ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";
import { countMissing, tellService } from "./tell-service.ts";
import { toCell } from "./to-cell.ts";
import { toLength } from "./to-length.ts";

/** How a picture is drawn. */
export interface ReleasePictureOptions {
  /** No line is longer. */
  readonly columns: number;
  readonly colour: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * A release as lines: where it stands, and for each service one dot for each instance that there is or shall be, healthy ones
 * first, with a bar behind as many as must be healthy. Where there is no room, a dot stands for several.
 */
export function toReleasePicture(report: ReleaseReport, options: ReleasePictureOptions): string {
  const { columns } = options;
  const services = Object.entries(report.services);
  const widest = Math.max(0, ...services.map(([name]) => [...toCell(name, MAX_NAME)].length));
  const causes = services.flatMap(([name, service]) => service.causes.map((cause) => `${name}: ${cause}`));
  return [
    toCell(tellHead(report, options.now), columns),
    ...services.map(([name, service]) => toServiceLine(toCell(name, MAX_NAME).padEnd(widest), service, options)),
    ...causes.slice(-MAX_CAUSES).map((cause) => toCell(`! ${cause}`, columns)),
    ...(report.error === undefined ? [] : [toCell(`${report.error.class}: ${report.error.message}`, columns)]),
  ].join("\n");
}

const MAX_NAME = 32;
const MAX_CAUSES = 3;

function tellHead({ releaseId, state, startedAt, timeoutSeconds, end }: ReleaseReport, now: number): string {
  const passed =
    startedAt === undefined ? "" : `, ${toLength((now - startedAt) / 1_000)} of ${toLength(timeoutSeconds)}`;
  return `${releaseId}: ${end ?? state}${end === undefined ? passed : ""}`;
}

/** Kinds of dots in the order in which they are drawn; each looks different without colours too. */
const DOTS = [
  { kind: "healthy", glyph: "●", colour: 32 },
  { kind: "unhealthy", glyph: "◐", colour: 33 },
  { kind: "terminating", glyph: "×", colour: 31 },
  { kind: "missing", glyph: "·", colour: 90 },
] as const;

function toServiceLine(name: string, service: ServiceReport, { columns, colour }: ReleasePictureOptions): string {
  const words = tellService(service);
  const counts = { ...service, missing: countMissing(service) };
  const all = Math.max(service.targetLaunched, service.launching);
  const room = Math.max(MIN_DOTS, columns - [...name].length - words.length - ROOM_OF_REST);
  const scale = Math.max(1, Math.ceil(all / room));
  const dots = DOTS.flatMap((dot) => Array.from({ length: Math.ceil(counts[dot.kind] / scale) }, () => dot));
  // Parts of each kind are rounded up, so that nothing is left out.
  const bar = Math.ceil(service.targetHealthy / scale);
  const line = `${paint(dots.slice(0, bar), colour)}|${paint(dots.slice(bar), colour)}`;
  const each = scale === 1 ? "" : ` (${scale} each)`;
  return `${name}  ${line}  ${words}${each}`;
}

const MIN_DOTS = 10;
/** Blanks, bar and the word on the scale. */
const ROOM_OF_REST = 20;

function paint(dots: readonly (typeof DOTS)[number][], colour: boolean): string {
  if (!colour) return dots.map(({ glyph }) => glyph).join("");
  return DOTS.map((dot) => {
    const glyphs = dots.filter((each) => each === dot).map(({ glyph }) => glyph);
    return glyphs.length === 0 ? "" : `\u001b[${dot.colour}m${glyphs.join("")}\u001b[39m`;
  }).join("");
}
