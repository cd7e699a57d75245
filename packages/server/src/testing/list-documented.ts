import { isMap } from "@stackyard/core";
import type { TestYard } from "./test-yard.ts";
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
      const content = toMap(toMap(toMap(operation["requestBody"])["content"])["application/json"]);
      return {
        operationId: String(operation["operationId"]),
        method: method.toUpperCase(),
        path,
        permission: String(operation["x-stackyard-permission"]),
        names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ""),
        query: Object.fromEntries(query),
        body: content["schema"] === undefined ? undefined : resolve(content["schema"]),
      };
    }),
  );
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
