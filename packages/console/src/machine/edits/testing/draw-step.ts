// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import type { Path, Plain } from "../operation.ts";
import { type Element, type Item, membersOf, ownEntries, type Source } from "../source.ts";
import type { Step } from "../step.ts";
import type { Random } from "./random.ts";

/** Draws a step at any place of a document, also where no form of the editor makes it. Undefined if the place has none. */
export function drawStep(random: Random, { root }: Source): Step | undefined {
  const item = random.pick(listItems({ value: root, alias: undefined }));
  if (item.kind === "scalar") return drawValue(random, item.path, random.pick(SCALARS));
  const key = pickMember(random, item);
  const member = key === undefined ? undefined : [...item.path, key];
  switch (random.below(5)) {
    case 0:
      return item.kind === "list" ? drawItem(random, item) : drawEntry(random, item);
    case 1:
      return member && { kind: "remove", path: member };
    case 2:
      return member && { kind: "move", path: member, to: random.below(countMembers(item)) };
    case 3:
      return member && item.kind === "map" ? { kind: "rename-key", path: member, to: drawName(random) } : undefined;
    default:
      return random.chance(0.3)
        ? { kind: "to-block", path: item.path }
        : drawValue(random, item.path, random.pick(VALUES));
  }
}

/** Lists what is written in a value, itself included; what aliases bring is written elsewhere. */
function listItems({ value, alias }: Element): readonly Item[] {
  return alias === undefined ? [value, ...membersOf(value).flatMap(listItems)] : [];
}

function pickMember(random: Random, item: Item): string | number | undefined {
  if (countMembers(item) === 0) return undefined;
  return item.kind === "map" ? random.pick(ownEntries(item)).key : random.below(countMembers(item));
}

function countMembers(item: Item): number {
  return item.kind === "map" ? ownEntries(item).length : membersOf(item).length;
}

const SCALARS: readonly Plain[] = [
  "LIVE",
  "two words",
  "it's: #1",
  "-",
  "a, [b]",
  "12",
  "true",
  "",
  " x ",
  "${a}",
  '"q"',
  "*x",
  "!t",
  "é\u2028",
  "\u0007\u007f\u009f",
  "a\nb",
  "a\n\n  b\n",
  "\n",
  "---",
  "# no",
  3,
  -0.5,
  true,
  null,
];
const VALUES: readonly Plain[] = [...SCALARS, {}, [], [1, "x: y"], { b: [1], "c d": {} }, { on: { E: "LIVE" } }];

function drawName(random: Random): string {
  return random.pick(["fresh", "a b", "null", "1e3", "it is: #1", "it's", "x,y", "-", "?", "<<", "on"]);
}

/** Draws a new value of a scalar, map or list. */
function drawValue(random: Random, path: Path, value: Plain): Step | undefined {
  if (path.length === 0) return undefined;
  const isScalar = typeof value !== "object" || value === null;
  return { kind: isScalar && random.chance(0.7) ? "set" : "replace", path, value };
}

function drawEntry(random: Random, map: Item & { readonly kind: "map" }): Step | undefined {
  const key = drawName(random);
  if (map.entries.some((entry) => entry.key === key)) return undefined;
  const after = map.entries.length > 0 && random.chance(0.5) ? random.pick(map.entries).key : undefined;
  return {
    kind: "insert-entry",
    path: map.path,
    key,
    value: random.pick(VALUES),
    ...(after !== undefined && { after }),
  };
}

function drawItem(random: Random, list: Item): Step {
  return {
    kind: "insert-item",
    path: list.path,
    index: random.below(countMembers(list) + 1),
    value: random.pick(VALUES),
  };
}
