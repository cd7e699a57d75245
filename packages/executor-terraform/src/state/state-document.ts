import { isMap, isStackyardError } from "@stackyard/core";
import { type ForeignJson, readForeignJson } from "@stackyard/core/programs";
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

/** A text of Terraform, and where it is reported when it exceeds what is read. */
export interface StateText {
  readonly from: ForeignJson["from"];
  readonly report: (text: string) => void;
}

/** Reads parts of a state within the budget. Undefined for anything but an object, and, with a word, for what is too large. */
async function readParts(
  { from, report }: StateText,
  more: Omit<ForeignJson, "what" | "from">,
): Promise<JsonObject | undefined> {
  try {
    return await readForeignJson({ what: "The state", from, parse: parseRawJson, ...more });
  } catch (error) {
    if (!isStackyardError(error, "PAYLOAD_TOO_LARGE")) throw error;
    report(`${error.message} It was not read.`);
    return undefined;
  }
}

/** Reads a state as a backend stores it. Returns undefined for other formats, such as OpenTofu's encrypted one. */
export async function readStateDocument(text: StateText): Promise<StateDocument | undefined> {
  const found: { readonly module: string; readonly instances: readonly StateResource[] }[] = [];
  const state = await readParts(text, {
    parts: { version: "value", serial: "value", outputs: "value", resources: "each" },
    onEntry: (_, resource) => {
      if (isMap(resource)) found.push({ module: textAt(resource, "module"), instances: listInstances(resource) });
    },
  });
  if (state === undefined || state["version"] !== FORMAT || state["resources"] === undefined) return undefined;
  const outputs = Object.entries(objectAt(state, "outputs")).filter(([, output]) => isMap(output));
  return {
    serial: numberAt(state, "serial"),
    resources: found.sort(byDepth).flatMap(({ instances }) => instances),
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
export async function listStateProviders(text: StateText): Promise<readonly string[]> {
  const found: string[] = [];
  const onEntry = (_: string, resource: unknown) => {
    // With its module and alias: `module.net.provider["registry.terraform.io/hashicorp/aws"].west`.
    const [, address] = /provider\["([^"]{1,512})"\]/.exec(isMap(resource) ? textAt(resource, "provider") : "") ?? [];
    if (address !== undefined) found.push(address);
  };
  await readParts(text, { parts: { resources: "each" }, onEntry });
  return [...new Set(found)].filter((address) => !address.startsWith(BUILT_IN)).sort();
}

/** Resources of the root module first, as `show` lists them; otherwise in the order of the state. */
function byDepth({ module: a }: InModule, { module: b }: InModule): number {
  return a.split(".").length - b.split(".").length || Number(a !== "") - Number(b !== "");
}

interface InModule {
  readonly module: string;
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

/** Reads the output of `show -json` for a state. Returns undefined for anything else. */
export async function readShownResources(text: StateText): Promise<readonly StateResource[] | undefined> {
  // Modules are nested in each other, so that it is one part.
  const state = await readParts(text, { parts: { values: "value" } });
  return state && listShown(objectAt(objectAt(state, "values"), "root_module"));
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
