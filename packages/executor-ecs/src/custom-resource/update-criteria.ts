import {
  countFaults,
  isJsonObject,
  listOf,
  type Place,
  readText,
  refuse,
  toSegment,
  toShown,
} from "./property-readers.ts";

/** Which variables of a container make an update run the tasks again. */
export interface UpdateCriterion {
  readonly container: string;
  readonly environmentKeys: readonly string[];
}

const MAX_CRITERIA = 100;
const MAX_KEYS = 500;
const ALIASES = ["EnvironmentKeys", "EnvironmentKey"];

/** Reads the property `UpdateCriteria`; an empty list is none. */
export const readUpdateCriteria = listOf(readCriterion, 0, MAX_CRITERIA);

/** `EnvironmentKey`, as some documentation spells it, may be one name. */
function readCriterion(value: unknown, place: Place): UpdateCriterion | undefined {
  if (!isJsonObject(value)) return refuse(place, `must be an object; it is ${toShown(value)}.`);
  const { path, report } = countFaults(place);
  for (const key of Object.keys(value)) {
    if (key === "Container" || ALIASES.includes(key)) continue;
    report({ path: `${path}/${toSegment(key)}`, message: "is not known here; known are Container, EnvironmentKeys." });
  }
  const container = readText(value["Container"], { path: `${path}/Container`, report });
  const environmentKeys = readKeys(value, { path, report });
  if (report.count() > 0 || container === undefined || environmentKeys === undefined) return undefined;
  return { container, environmentKeys };
}

function readKeys(value: Readonly<Record<string, unknown>>, { path, report }: Place): readonly string[] | undefined {
  const [name = "EnvironmentKeys", second] = ALIASES.filter((alias) => Object.hasOwn(value, alias));
  const place = { path: `${path}/${name}`, report };
  if (second !== undefined) return refuse(place, `must not stand beside ${second}.`);
  const given = value[name];
  const isOne = name === "EnvironmentKey" && typeof given === "string";
  return listOf(readText, 1, MAX_KEYS)(isOne ? [given] : given, place);
}
