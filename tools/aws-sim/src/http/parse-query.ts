/** A value of a query request: a text, or values by the parts of their names. */
export type QueryNode = string | QueryTree;

/** `Filter.1.Value.2=x` is the text `x` under `Filter`, `1`, `Value` and `2`. */
export interface QueryTree extends ReadonlyMap<string, QueryNode> {}

/** A request of the query protocols. Source: Smithy, "AWS query protocol" and "AWS EC2 query protocol", serialization of requests. */
export interface QueryRequest {
  readonly operation: string;
  readonly version: string;
  readonly fields: QueryTree;
}

/** Takes the form apart. */
export function parseQuery(body: string): QueryRequest {
  const { Action: operation = "", Version: version = "", ...rest } = Object.fromEntries(new URLSearchParams(body));
  const fields = new Map<string, QueryNode>();
  for (const [path, value] of Object.entries(rest)) put(fields, path.split("."), value);
  return { operation, version, fields };
}

type Branch = Map<string, QueryNode>;

function put(into: Branch, [name = "", ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    into.set(name, value);
    return;
  }
  const known = into.get(name);
  const branch: Branch = new Map(typeof known === "object" ? known : []);
  put(branch, rest, value);
  into.set(name, branch);
}
