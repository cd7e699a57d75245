/** Names whose lists the EC2 protocol writes in the singular ("DescribeInstances", request parameters). */
const LISTS: Readonly<Record<string, string>> = { Filter: "Filters", InstanceId: "InstanceIds", Value: "Values" };
const NUMBERS = ["MaxResults"];

/** A query request as the SDK's input: `Filter.1.Value.2=x` is the second value of the first filter. */
export function parseQuery(body: string): {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
} {
  const root: Record<string, unknown> = {};
  let operation = "";
  for (const [path, value] of new URLSearchParams(body)) {
    if (path === "Action") operation = value;
    else if (path !== "Version") put(root, path.split("."), value);
  }
  return { operation, input: root };
}

function put(into: Record<string, unknown>, [name = "", index, ...rest]: readonly string[], value: string): void {
  if (index === undefined) {
    into[name] = NUMBERS.includes(name) ? Number(value) : value;
    return;
  }
  const key = LISTS[name] ?? name;
  const list: unknown[] = Array.isArray(into[key]) ? into[key] : [];
  into[key] = list;
  const at = Number(index) - 1;
  if (rest.length === 0) {
    list[at] = value;
    return;
  }
  const item: Record<string, unknown> = Object(list[at] ?? {});
  list[at] = item;
  put(item, rest, value);
}
