import { isMap } from "@stackyard/core";
import { type JsonObject, listAt, numberAt, objectAt, textAt } from "../run/failure.ts";
import { parseRawJson } from "./exact-json.ts";

/** A managed resource of a state. ARNs and ids are not secret; other values are left out. */
interface StateResource {
  readonly address: string;
  readonly arn?: string;
  /** The id of a resource in a state; the output of `show` has none. */
  readonly id?: string;
}

/** The used parts of a state. */
export interface StateDocument {
  readonly serial?: number;
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
    serial: numberAt(state, "serial"),
    resources: [...listAt(state, "resources")].sort(byDepth).flatMap(listInstances),
    outputs: new Map(
      outputs.map(([name, output]) => {
        const body: JsonObject = isMap(output) ? output : {};
        return [name, { sensitive: body["sensitive"] === true, value: body["value"] }];
      }),
    ),
  };
}

/** Providers that are a part of the program. */
const BUILT_IN = "terraform.io/builtin/";

/** Returns the addresses of the providers that a state names, such as `registry.terraform.io/hashicorp/aws`; none for other formats. */
export function listStateProviders(text: string): readonly string[] {
  const state = parseRawJson(text);
  if (!isMap(state)) return [];
  // With its module and alias: `module.net.provider["registry.terraform.io/hashicorp/aws"].west`.
  const found = listAt(state, "resources").flatMap((resource) => {
    return /provider\["([^"]{1,512})"\]/.exec(textAt(resource, "provider"))?.[1] ?? [];
  });
  return [...new Set(found)].filter((address) => !address.startsWith(BUILT_IN)).sort();
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
    const attributes = objectAt(instance, "attributes");
    const [arn, id] = [textAt(attributes, "arn"), textAt(attributes, "id")];
    const isShown = id !== "" && id.length <= MAX_ID && !isSensitive(instance, "id");
    return { address, ...(arn.startsWith("arn:") && { arn }), ...(isShown && { id }) };
  });
}

const MAX_ID = 512;

/** Sensitive attributes are paths whose first step has a name. */
function isSensitive(instance: JsonObject, name: string): boolean {
  const paths = instance["sensitive_attributes"];
  return Array.isArray(paths) && paths.flat(1).some((step) => isMap(step) && step["value"] === name);
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
