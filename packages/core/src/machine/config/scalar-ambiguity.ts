import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, isListField, isMapField, toFields, toItems } from "../document/tree.ts";
import { quote } from "../document/wording.ts";

interface Reading {
  readonly pattern: RegExp;
  readonly otherwise: string;
}

// What the predecessor's parser, a dialect of its own, makes of plain scalars where YAML 1.2 reads something else. It read
// yes, no, on, off and 1_000 as texts, as we do, so these are not here.
const READINGS: readonly Reading[] = [
  { pattern: /^\d{4}-\d\d?-\d\d?(?:(?:t|[ \t]+)\d.*)?$/i, otherwise: "a date" },
  { pattern: /^-?0\d+$/, otherwise: "an octal number" },
  { pattern: /^[-+]?\d[\d,]*,[\d,]*(?:\.\d+)?$/, otherwise: "a number with thousands separators" },
  { pattern: /^[-+]?0[ob]\d+$/i, otherwise: "the number 0" },
  { pattern: /^\+\d+$/, otherwise: "a text" },
  { pattern: /^[-+]?\.inf$|^\.nan$/i, otherwise: "a number that JSON does not have" },
];

/** Warns of plain scalars anywhere in a value that other readers of YAML take for something else. */
export function warnAmbiguous(context: CompileContext, field: Field): void {
  if (isMapField(field)) for (const inner of toFields(field).values()) warnAmbiguous(context, inner);
  else if (isListField(field)) for (const inner of toItems(field)) warnAmbiguous(context, inner);
  else warnScalar(context, field);
}

function warnScalar({ problems }: CompileContext, field: Field): void {
  if (field.node.kind !== "scalar" || field.node.plain === undefined) return;
  const { plain, value } = field.node;
  const otherwise = findOtherReading(plain, value);
  if (otherwise === undefined) return;
  const here = typeof value === "string" ? "the text" : `the ${typeof value}`;
  const message = `${quote(plain)} is read as ${here} ${String(value).slice(0, 60)} here and as ${otherwise} elsewhere. Quote a text.`;
  problems.warn("scalar-ambiguous", onValue(field), message);
}

function findOtherReading(plain: string, value: unknown): string | undefined {
  if (
    typeof value === "number" &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    /^[-+]?\d+$/.test(plain)
  ) {
    return "all its digits";
  }
  if (typeof value === "string" && /^(?:true|false|null)$/i.test(plain)) return plain.toLowerCase();
  return READINGS.find(({ pattern }) => pattern.test(plain))?.otherwise;
}
