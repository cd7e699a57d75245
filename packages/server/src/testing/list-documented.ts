import { defined, isMap } from "@stackyard/core";
import { createTestYard, type TestYard } from "./test-yard.ts";
import { type JsonSchema, toSample } from "./to-sample.ts";

/** An operation as the document of the API describes it. */
export interface Documented {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly permission: string;
  /** The names in its path. */
  readonly names: readonly string[];
  readonly query: Readonly<Record<string, { readonly schema: JsonSchema; readonly required: boolean }>>;
  readonly body: JsonSchema | undefined;
  /** The request that the document shows. Of a body that needs nothing: an empty one. */
  readonly example: { readonly query: URLSearchParams; readonly body: unknown };
}

/** Lists all operations of a server. */
export async function listDocumented(yard: TestYard): Promise<readonly Documented[]> {
  const document = await yard.json<Readonly<Record<string, unknown>>>("/openapi.json");
  const resolve = (schema: unknown): JsonSchema => {
    if (!isMap(schema)) return {};
    const { $ref } = schema;
    return typeof $ref === "string" ? resolve(find(document, $ref)) : schema;
  };
  return Object.entries(toMap(document["paths"])).flatMap(([path, methods]) =>
    Object.entries(toMap(methods)).map(([method, given]): Documented => {
      const operation = toMap(given);
      const parameters = Array.isArray(operation["parameters"]) ? operation["parameters"].map(toMap) : [];
      const query = parameters
        .filter((each) => each["in"] === "query")
        .map((each) => [
          String(each["name"]),
          { schema: resolve(each["schema"]), required: each["required"] === true },
        ]);
      const shown = parameters.flatMap(({ name, example }): [string, string][] => {
        return example === undefined ? [] : [[String(name), String(example)]];
      });
      const content = toMap(toMap(toMap(operation["requestBody"])["content"])["application/json"]);
      const { schema, example = {} } = content;
      return {
        operationId: String(operation["operationId"]),
        method: method.toUpperCase(),
        path,
        permission: String(operation["x-stackyard-permission"]),
        names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ""),
        query: Object.fromEntries(query),
        body: schema === undefined ? undefined : resolve(schema),
        example: { query: new URLSearchParams(shown), body: schema === undefined ? undefined : example },
      };
    }),
  );
}

/** A request to a server. */
export interface ExampleCall {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** Returns the request that the document shows, about what these names of its path stand for. */
export function toExampleCall(
  { operationId, method, path, names, example }: Documented,
  values: Readonly<Record<string, string>>,
): ExampleCall {
  const filled = names.reduce((made, name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The path of ${operationId} needs a value for "${name}".`);
    return made.replace(`{${name}}`, encodeURIComponent(value));
  }, path);
  const query = example.query.size === 0 ? "" : `?${example.query}`;
  return { method, path: `${filled}${query}`, ...defined({ body: example.body }) };
}

/** Lists all operations, of a server of its own: for tables of tests, which are made before their servers. */
export async function listOperations(): Promise<readonly Documented[]> {
  const yard = createTestYard();
  try {
    return await listDocumented(yard);
  } finally {
    await yard.stop();
  }
}

/** Returns the query that an operation needs at least. */
export function toNeededQuery({ query }: Documented): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, { schema, required }] of Object.entries(query)) {
    if (required) search.set(name, String(toSample(schema)));
  }
  return search;
}

function find(document: Readonly<Record<string, unknown>>, ref: string): unknown {
  const steps = ref.slice(2).split("/");
  return steps.reduce<unknown>((found, step) => toMap(found)[step], document);
}

function toMap(value: unknown): Readonly<Record<string, unknown>> {
  return isMap(value) ? value : {};
}
