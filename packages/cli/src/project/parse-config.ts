import type { PluginReference, StackyardConfig } from "@stackyard/core";
import { type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { failWith } from "../shell/failure.ts";
import { findNearestName } from "../shell/nearest-name.ts";
import { tellFaults } from "../shell/tell-faults.ts";
import { isPlugin } from "./is-plugin.ts";
import { findYardFaults } from "./parse-yards.ts";
import { toLeaseMs } from "./worker-lease.ts";

const Path = Type.String({ minLength: 1, maxLength: 4_096 });
const Keys = {
  machines: Type.Optional(Path),
  dataDir: Type.Optional(Path),
  // A name or an object with options of its package, which checks them.
  store: Type.Optional(Type.Unknown()),
  // Plugins hold functions; they are looked at one by one.
  plugins: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 100 })),
  executors: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  server: Type.Optional(
    Type.Object(
      {
        host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
        url: Type.Optional(Type.String({ maxLength: 2_048 })),
      },
      { additionalProperties: false },
    ),
  ),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  worker: Type.Optional(
    Type.Object({ lease: Type.Optional(Type.String({ maxLength: 32 })) }, { additionalProperties: false }),
  ),
  // Of several kinds, and more readable when each is looked at on its own.
  yards: Type.Optional(Type.Unknown()),
};
const Config: TSchema = Type.Object(Keys, { additionalProperties: false });

/** Reads a configuration. Throws one `CONFIG_INVALID` that lists everything that is wrong. */
export function parseConfig(value: unknown, name: string): StackyardConfig {
  const faults = findFaults(value);
  if (faults.length === 0) return value as StackyardConfig;
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  throw failWith(
    "CONFIG_INVALID",
    `${name} has ${faults.length === 1 ? "an error" : `${faults.length} errors`}:${list}`,
    {
      hint: "Correct the file and try again; its keys are described at `defineConfig`.",
    },
  );
}

function findFaults(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return ["The default export must be the configuration: `export default defineConfig({ … })`."];
  }
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(Keys, key));
  const known = Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(Keys, key)));
  const plugins: unknown = known["plugins"];
  return [
    ...unknown.map(tellUnknownKey),
    ...tellFaults(Value.Errors(Config, known)),
    ...(Array.isArray(plugins) ? plugins : []).flatMap((plugin, index) => findPluginFaults(plugin, index)),
    ...findLeaseFaults(known["worker"]),
    ...findStoreFaults(known["store"]),
    ...findUrlFaults(known["server"]),
    ...findYardFaults(known["yards"]),
  ];
}

function tellUnknownKey(key: string): string {
  const near = findNearestName(key, Object.keys(Keys));
  return `"${key}" is no key of a configuration. ${near ? `Did you mean "${near}"?` : `Known: ${Object.keys(Keys).join(", ")}.`}`;
}

function findLeaseFaults(worker: unknown): readonly string[] {
  if (typeof worker !== "object" || worker === null || !("lease" in worker)) return [];
  const { lease } = worker;
  // What is no text is told by the schema.
  if (typeof lease !== "string" || toLeaseMs(lease) !== undefined) return [];
  return [`worker.lease: "${lease}" must be a duration from 1s to 1h, such as 30s.`];
}

function findStoreFaults(store: unknown): readonly string[] {
  const type = typeof store === "object" && store !== null && "type" in store ? store.type : store;
  if (store === undefined || (typeof type === "string" && type !== "")) return [];
  return ['store must be "sqlite", "postgres", a package or a path, or { type, … } with one of them and its options.'];
}

function findUrlFaults(server: unknown): readonly string[] {
  if (typeof server !== "object" || server === null || !("url" in server)) return [];
  const { url } = server;
  // What is no text is told by the schema.
  if (typeof url !== "string" || /^https?:$/.test(URL.parse(url)?.protocol ?? "")) return [];
  return [`server.url: "${url}" must be an address such as https://stackyard.example.org.`];
}

function findPluginFaults(value: unknown, index: number): readonly string[] {
  return isPluginReference(value)
    ? []
    : [`plugins[${index}] must be a package, a path, a plugin, or { use, options } with one of them.`];
}

function isPluginReference(value: unknown): value is PluginReference {
  if (typeof value === "string") return value !== "";
  if (isPlugin(value)) return true;
  if (typeof value !== "object" || value === null || !("use" in value)) return false;
  return isPlugin(value.use) || (typeof value.use === "string" && value.use !== "");
}
