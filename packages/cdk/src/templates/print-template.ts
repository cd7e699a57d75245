const WIDTH = 120;

/** Formats a template as JSON for people: what fits stays on one line. It is shorter, too: a CloudFormation call accepts 51,200 bytes. */
export function printTemplate(value: unknown, indent = ""): string {
  // Line breaks in texts are escaped: all of these are between parts.
  const line = JSON.stringify(value, null, 1).replaceAll(/\n */g, " ");
  if (indent.length + line.length <= WIDTH || typeof value !== "object" || value === null) return line;
  const deeper = `${indent} `;
  const parts = Array.isArray(value)
    ? value.map((part) => printTemplate(part, deeper))
    : Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${printTemplate(part, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
}
