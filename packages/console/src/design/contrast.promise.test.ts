import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const text = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");
const [light = "", dark = ""] = text.split(':root[data-theme="dark"]');
const SCHEMES = [
  ["light", readColors(light)],
  ["dark", readColors(dark)],
] as const;

const CONDITIONS = [
  "failed",
  "degraded",
  "late",
  "waiting",
  "approval",
  "busy",
  "asleep",
  "healthy",
  "removed",
] as const;
const GROUNDS = ["bg", "rail", "surface", "raised", "sunken"] as const;

/** Which colors are on which, and the least contrast: 4.5 of text, 3 of graphics (WCAG 2.2, 1.4.3 and 1.4.11). */
const PAIRS: readonly (readonly [string, string, number])[] = [
  ...[...GROUNDS, "hover", "select"].flatMap((ground) => [["text", ground, 7] as const]),
  ...[...GROUNDS, "hover", "line-soft"].map((ground) => ["muted", ground, 4.5] as const),
  ...["bg", "surface", "raised", "sunken", "select"].map((ground) => ["link", ground, 4.5] as const),
  ...CONDITIONS.flatMap((name) => [
    ...["bg", "surface", "raised", "sunken", `${name}-tint`].map((ground) => [name, ground, 4.5] as const),
    [`${name}-fill`, "surface", 3] as const,
  ]),
  ["on-ink", "ink", 4.5],
  ["on-ink", "ink-hover", 4.5],
  ["control", "surface", 3],
  ["control", "bg", 3],
  ["focus", "surface", 3],
  ["focus", "bg", 3],
  ["focus", "ink", 1.5],
];

describe("the colors of the console", () => {
  it.each(SCHEMES)("are readable in the %s scheme", (_, colors) => {
    const faint = PAIRS.flatMap(([front, back, least]) => {
      const ratio = contrastOf(colors.get(front), colors.get(back));
      return ratio >= least ? [] : [`${front} on ${back}: ${ratio.toFixed(2)}, at least ${least}`];
    });

    expect(faint).toEqual([]);
  });

  it("exist in both schemes", () => {
    const [[, inLight], [, inDark]] = SCHEMES;

    expect([...inDark.keys()].sort()).toEqual([...inLight.keys()].sort());
  });
});

function readColors(block: string): ReadonlyMap<string, string> {
  return new Map([...block.matchAll(/--([a-z0-9-]+): (#[0-9a-f]{6});/g)].map(([, name = "", hex = ""]) => [name, hex]));
}

function contrastOf(front: string | undefined, back: string | undefined): number {
  const [least = 0, most = 0] = [luminanceOf(front), luminanceOf(back)].sort((a, b) => a - b);
  return (most + 0.05) / (least + 0.05);
}

/** Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance. A missing color has none. */
function luminanceOf(hex = ""): number {
  if (hex === "") return Number.NaN;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
