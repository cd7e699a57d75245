import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  formatFaults,
  isMap,
  listSchemaFaults,
  type Plugin,
  type PluginContext,
  type PluginService,
  parseJson,
  requireUtf8,
  StackyardError,
} from "@stackyard/core";
import hosts from "@stackyard/hosts";
import notifications from "@stackyard/notifications";
import previews from "@stackyard/previews";
import { type Static, Type } from "typebox";

/** The file that lists the plugins. */
export const CONFIG = "stackyard.config.json";

const Address = Type.String({ pattern: "^https://\\S{1,2000}$", expected: "an address that begins with https://" });
/** The keys of `server` that the services use; servers have others. */
const Server = Type.Object({ url: Type.Optional(Address), servicesUrl: Type.Optional(Address) });

/** The plugins of this bundle, by the names by which projects use them. */
const BUNDLED: ReadonlyMap<string, Plugin> = new Map([
  ["@stackyard/hosts", hosts],
  ["@stackyard/notifications", notifications],
  ["@stackyard/previews", previews],
]);

/** Returns the services of the plugins in the project's configuration. Throws `CONFIG_INVALID`. */
export async function loadServices(
  project: Omit<PluginContext, "url" | "servicesUrl">,
): Promise<readonly PluginService[]> {
  const config = await readConfig(join(project.projectDir, CONFIG));
  const context = { ...project, ...readAddresses(config["server"]) };
  const references = config["plugins"] ?? [];
  if (!Array.isArray(references)) throw invalid('"plugins" is not a list.');
  return references.flatMap((reference) => toServices(reference, context));
}

async function readConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw invalid("It cannot be read: is it under PROJECT_PREFIX?", cause);
  });
  const value = parseJson(requireUtf8(text, CONFIG));
  if (isMap(value)) return value;
  throw invalid("It is not a JSON object.");
}

function readAddresses(server: unknown = {}): Pick<PluginContext, "url" | "servicesUrl"> {
  const faults = isMap(server) ? formatFaults(listSchemaFaults(Server, server)) : ['"server" is not an object.'];
  if (faults.length > 0) throw invalid(`server: ${faults.join(" ")}`);
  return server as Static<typeof Server>;
}

function toServices(reference: unknown, context: PluginContext): readonly PluginService[] {
  const { use, options = {} } = isMap(reference) ? reference : { use: reference };
  const plugin = typeof use === "string" ? BUNDLED.get(use) : undefined;
  // Executors of other plugins run elsewhere, and this function does not need them.
  if (plugin?.services === undefined) return [];
  const faults = plugin.options === undefined ? [] : formatFaults(listSchemaFaults(plugin.options, options));
  if (faults.length > 0) throw invalid(`Options of "${plugin.name}": ${faults.join(" ")}`);
  try {
    return plugin.services(options, context);
  } catch (cause) {
    throw invalid(`"${plugin.name}": ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function invalid(message: string, cause?: unknown): StackyardError {
  return new StackyardError("CONFIG_INVALID", `${CONFIG}: ${message}`, { cause });
}
