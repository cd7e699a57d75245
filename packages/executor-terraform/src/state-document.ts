import { isMap } from "@stackyard/core";
import { parseRawJson } from "./exact-json.ts";
import { type JsonObject, listAt, objectAt, textAt } from "./failure.ts";

/** A managed resource of a state. ARNs are not secret; other values are left out. */
interface StateResource {
  readonly address: string;
  readonly arn?: string;
}

/** The used parts of a state. */
export interface StateDocument {
  readonly resources: readonly StateResource[];
  readonly outputs: ReadonlyMap<string, { readonly sensitive: boolean; readonly value: unknown }>;
}

/** The format of Terraform 0.12 and later, and of OpenTofu. */
const FORMAT = 4;

/** Parses a state as a backend stores it. Returns undefined for other formats, such as OpenTofu's encrypted one. */
export function parseStateDocument(text: string): StateDocument | undefined {
  const state = parseRawJson(text);
  if (!isMap(state) || state["version"] !== FORMAT || !Array.isArray(state["resources"])) return undefined;
  const outputs = Object.entries(objectAt(state, "outputs")).filter(([, output]) => isMap(output));
  return {
    resources: [...listAt(state, "resources")].sort(byDepth).flatMap(listInstances),
    outputs: new Map(
      outputs.map(([name, output]) => {
        const body: JsonObject = isMap(output) ? output : {};
        return [name, { sensitive: body["sensitive"] === true, value: body["value"] }];
      }),
    ),
  };
}

/** Resources of the root module first, as `show` lists them; otherwise in the order of the state. */
function byDepth(a: JsonObject, b: JsonObject): number {
  return (
    textAt(a, "module").split(".").length - textAt(b, "module").split(".").length ||
    Number(textAt(a, "module") !== "") - Number(textAt(b, "module") !== "")
  );
}

function listInstances(resource: JsonObject): readonly StateResource[] {
  if (textAt(resource, "mode") !== "managed") return [];
  const module = textAt(resource, "module");
  const base = `${module === "" ? "" : `${module}.`}${textAt(resource, "type")}.${textAt(resource, "name")}`;
  return listAt(resource, "instances").map((instance) => {
    const address = `${base}${toIndex(instance["index_key"])}`;
    const arn = textAt(objectAt(instance, "attributes"), "arn");
    return arn.startsWith("arn:") ? { address, arn } : { address };
  });
}

function toIndex(key: unknown): string {
  if (typeof key === "number") return `[${key}]`;
  if (typeof key !== "string") return "";
  return `[${JSON.stringify(key).replace(/[$%](?=\{)/g, "$&$&")}]`;
}

/** Parses the output of `show -json` for a state. Returns undefined for anything else. */
export function parseShownResources(text: string): readonly StateResource[] | undefined {
  const state = parseRawJson(text);
  return isMap(state) ? listShown(objectAt(objectAt(state, "values"), "root_module")) : undefined;
}

function listShown(module: JsonObject): StateResource[] {
  const resources = listAt(module, "resources").filter((resource) => textAt(resource, "mode") === "managed");
  const own = resources.map((resource): StateResource => {
    const address = textAt(resource, "address");
    const arn = textAt(objectAt(resource, "values"), "arn");
    return arn.startsWith("arn:") ? { address, arn } : { address };
  });
  return [...own, ...listAt(module, "child_modules").flatMap(listShown)];
}
