import { readFileSync } from "node:fs";
import { join } from "node:path";

type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }
    >
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const TITLES: Readonly<Record<string, string>> = {
  events: "Events",
  stacks: "Stacks",
  operations: "Operations by hand",
  runs: "Jobs",
  approvals: "Approvals",
  bulk: "Bulk operations",
  history: "History",
  stream: "Live updates",
  attempts: "Attempts",
  machines: "Machines and simulation",
  artifacts: "Artifacts and consumers",
  terraform: "Terraform states",
  previews: "Previews",
  access: "Tokens and sessions",
  audit: "Audit log",
  health: "Health and metrics",
};

const NEXT = `## Next

- [Events](events.md): how events are decided
- [Errors](errors.md): what each error code means
- [Access control](access.md): who may call which operation
`;

/** Formats the page `docs/http-api.md`: a written introduction, then all operations and schemas of the document. */
export function toApiPage(document: Document): string {
  const introduction = readFileSync(join(import.meta.dirname, "http-api-introduction.md"), "utf8");
  const rows = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const untitled = rows.find(({ operation }) => !operation.tags.some((tag) => tag in TITLES));
  if (untitled !== undefined) throw new Error(`No title for the tags of ${untitled.operation.operationId}.`);
  const groups = Object.entries(TITLES).map(([tag, title]) => {
    const entries = rows.filter(({ operation }) => operation.tags.includes(tag));
    return `## ${title}\n\n${entries.map(({ path, method, operation }) => formatOperation(path, method, operation)).join("\n")}`;
  });
  const shapes = Object.entries(document.components.schemas).map(([name, schema]) => formatShape(name, schema));
  const contents = [...Object.values(TITLES), "Shapes"].map((title) => `- [${title}](#${toAnchor(title)})`).join("\n");
  return `${introduction.trim()}\n\n**Contents**\n\n${contents}\n\n${groups.join("\n")}\n## Shapes\n\n${shapes.join("\n")}\n${NEXT}`;
}

function toAnchor(title: string): string {
  return title.toLowerCase().replaceAll(" ", "-");
}

function formatOperation(path: string, method: string, operation: Operation): string {
  const { summary, parameters, requestBody, responses, security } = operation;
  const lines = [`### ${method.toUpperCase()} \`${path}\``, "", summary];
  if (security !== undefined) lines.push("", "Needs no token.");
  const rows = parameters.map((parameter) => {
    const required = parameter.required ? "yes" : "no";
    return `| \`${parameter.name}\` | ${parameter.in} | ${required} | ${formatType(parameter.schema)} | ${formatNote(parameter.schema)} |`;
  });
  if (rows.length > 0) lines.push("", "| parameter | in | required | type | |", "|---|---|---|---|---|", ...rows);
  const body = requestBody?.content["application/json"]?.schema;
  if (body !== undefined) lines.push("", `Body: ${formatType(body)}`);
  const answers = Object.entries(responses).filter(([status]) => status !== "default");
  lines.push(
    "",
    ...answers.map(([status, answer]) => `- ${status}: ${answer.description}${formatContent(answer.content)}`),
    "",
  );
  return lines.join("\n");
}

function formatContent(content: Operation["responses"][string]["content"]): string {
  const [first] = Object.entries(content ?? {});
  if (first === undefined || first[0] === "application/problem+json") return "";
  const [type, { schema }] = first;
  return type === "application/json" ? ` ${formatType(schema)}` : ` (\`${type}\`)`;
}

function formatShape(name: string, schema: Schema): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, Schema>>);
  if (properties.length === 0) return `### ${name}\n\n${formatType(schema)}\n`;
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const rows = properties.map(([key, property]) => {
    return `| \`${key}\` | ${required.has(key) ? "yes" : "no"} | ${formatType(property)} | ${formatNote(property)} |`;
  });
  return `### ${name}\n\n| key | always | type | |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

/** Formats a type in one line. */
function formatType(schema: Schema): string {
  const { $ref, anyOf, items, properties, type } = schema;
  if ($ref !== undefined) return linkTo(String($ref).split("/").at(-1) ?? "");
  if (Array.isArray(anyOf)) return anyOf.map((each: Schema) => formatType(each)).join(" or ");
  if (Array.isArray(schema["enum"])) return schema["enum"].map((each) => `\`${each}\``).join(", ");
  if (schema["const"] !== undefined) return `\`${JSON.stringify(schema["const"])}\``;
  if (type === "array") return `list of ${formatType((items ?? {}) as Schema)}`;
  if (type === "object" && properties !== undefined) return formatKeys(schema);
  return type === undefined ? "anything" : String(type);
}

function formatKeys(schema: Schema): string {
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const entries = Object.entries(schema["properties"] as Readonly<Record<string, Schema>>);
  if (entries.length === 0) return "object";
  return `{ ${entries.map(([key, value]) => `${key}${required.has(key) ? "" : "?"}: ${formatType(value)}`).join(", ")} }`;
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

function formatNote({ description, ...schema }: Schema): string {
  const bounds = [
    ["minimum", "at least #"],
    ["maximum", "at most #"],
    ["maxLength", "at most # characters"],
    ["maxItems", "at most # items"],
  ].flatMap(([key = "", text = ""]) => (schema[key] === undefined ? [] : [text.replace("#", String(schema[key]))]));
  const text = bounds.join(", ");
  const sentence = text === "" ? "" : `${text[0]?.toUpperCase()}${text.slice(1)}.`;
  return [description === undefined ? "" : String(description), sentence].filter((part) => part !== "").join(" ");
}
