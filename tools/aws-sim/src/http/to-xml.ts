/** Lists of EC2 whose names in XML are not the SDK's (API reference, "Reservation", "Instance"). */
const NAMES: Readonly<Record<string, string>> = {
  Reservations: "reservationSet",
  Instances: "instancesSet",
  Tags: "tagSet",
  State: "instanceState",
};

/** An output as XML in the form of the EC2 query protocol: names begin in lower case, lists hold items. */
export function toXml(value: unknown, options: { readonly keepNames?: boolean } = {}): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((each) => `<item>${toXml(each, options)}</item>`).join("");
  if (typeof value !== "object" || value === null) return escapeText(String(value ?? ""));
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => {
      const tag = options.keepNames ? name : (NAMES[name] ?? `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`);
      return `<${tag}>${toXml(each, options)}</${tag}>`;
    })
    .join("");
}

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (each) => `&#${each.codePointAt(0)};`);
}
