const POINTS: Readonly<Record<string, string>> = {
  north: "n",
  south: "s",
  east: "e",
  west: "w",
  central: "c",
  northeast: "ne",
  northwest: "nw",
  southeast: "se",
  southwest: "sw",
};

/** Regions by short names, such as `euw1` for `eu-west-1`; all as they are where two would be called the same. */
export function toRegionNames(regions: readonly string[]): ReadonlyMap<string, string> {
  const distinct = [...new Set(regions)];
  const short = new Map(distinct.map((region) => [region, toShortName(region)]));
  if (new Set(short.values()).size === distinct.length) return short;
  return new Map(distinct.map((region) => [region, region]));
}

function toShortName(region: string): string {
  const [first = "", ...rest] = region.split("-");
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(region)) return region;
  return first + rest.map((word) => POINTS[word] ?? word.slice(0, /^\d/.test(word) ? undefined : 1)).join("");
}
