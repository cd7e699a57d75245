import type { NormalizedSchema } from "@smithy/core/schema";

/** An element: its text, and the elements in it. */
interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** A structure of a body of XML, as the schema has it. Source: Smithy, "XML binding traits"; no attributes, which S3 reads in grants only. */
export function readXml(schema: NormalizedSchema, text: string): unknown {
  return readValue(schema, [parseXml(text)]);
}

/** `elements`: those of the name; flattened lists have several. */
function readValue(schema: NormalizedSchema, elements: readonly XmlElement[]): unknown {
  const [first] = elements;
  if (first === undefined) return;
  if (schema.isListSchema()) {
    const items = schema.getMergedTraits().xmlFlattened === undefined ? first.children : elements;
    return items.map((item) => readValue(schema.getValueSchema(), [item]));
  }
  if (!schema.isStructSchema()) return readText(schema, first.text);
  const fields: Record<string, unknown> = {};
  for (const [name, member] of schema.structIterator()) {
    const tag = member.getMemberTraits().xmlName ?? name;
    const value = readValue(
      member,
      first.children.filter((child) => child.name === tag),
    );
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

function readText(schema: NormalizedSchema, text: string): unknown {
  if (schema.isBooleanSchema()) return text === "true";
  if (schema.isNumericSchema()) return Number(text);
  return schema.isTimestampSchema() ? new Date(text) : text;
}

const TOKEN = /<(\/?)([\w:.-]+)[^<>]*?(\/?)>|([^<]+)/g;

/** What clients of the SDK write: elements and texts; comments and declarations are not among it. */
function parseXml(text: string): XmlElement {
  const root: Open = { name: "", children: [], texts: [] };
  const open: Open[] = [root];
  for (const [, closes, name = "", isEmpty, content] of text.replace(/<\?.*?\?>/gs, "").matchAll(TOKEN)) {
    const parent = open.at(-1) ?? root;
    if (content !== undefined) parent.texts.push(content);
    else if (closes) open.pop();
    else {
      const element: Open = { name: name.replace(/^.*:/, ""), children: [], texts: [] };
      parent.children.push(element);
      if (!isEmpty) open.push(element);
    }
  }
  return close(root).children[0] ?? { name: "", children: [], text: "" };
}

interface Open {
  readonly name: string;
  readonly children: Open[];
  readonly texts: string[];
}

function close({ name, children, texts }: Open): XmlElement {
  return { name, children: children.map(close), text: unescapeText(texts.join("")) };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(/&(#x?)?(\w+);/g, (_, number, name) => {
    if (number === undefined) return ENTITIES[name] ?? "";
    return String.fromCodePoint(Number.parseInt(name, number === "#x" ? 16 : 10));
  });
}
