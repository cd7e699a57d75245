import { type Static, Type } from "typebox";
import { AccessConfig } from "../access/access-config.ts";
import { KEY_PREFIXES } from "../environment/variable-forms.ts";
import type { PluginReference } from "./define-plugin.ts";
import { bucketPlace, type ConfiguredYards } from "./yard-config.ts";

/**
 * A store by name (`sqlite`, `postgres`), package or path; the other keys are the store's own options. A package
 * exports `createStore(options, { projectDir, environment, logger, migrate })`, which resolves with a `Store`; with
 * `migrate: false` it is opened for reading only, without migrations.
 */
export type StoreReference = string | { readonly type: string; readonly [option: string]: unknown };

/** The defaults of a configuration. */
export const CONFIG_DEFAULTS = {
  machines: "machines",
  dataDir: ".stackyard",
  store: "sqlite",
  host: "127.0.0.1",
  port: 7070,
  concurrency: 8,
  lease: "30s",
  mcpAllowWrites: false,
} as const;

const PATH = { minLength: 1, maxLength: 4_096 };
const ADDRESS = { maxLength: 2_048 };
const closed = { additionalProperties: false } as const;

function text(description: string, form: { readonly [keyword: string]: unknown }) {
  return Type.Optional(Type.String({ ...form, description }));
}

function count(
  description: string,
  form: { readonly minimum: number; readonly maximum: number; readonly default: number },
) {
  return Type.Optional(Type.Integer({ ...form, description }));
}

const Server = Type.Object(
  {
    host: text("The address on which `stackyard dev` and `stackyard server` listen; `--host` overrides it", {
      minLength: 1,
      maxLength: 255,
      default: CONFIG_DEFAULTS.host,
    }),
    port: count("The port on which they listen; `--port` overrides it", {
      minimum: 0,
      maximum: 65_535,
      default: CONFIG_DEFAULTS.port,
    }),
    url: text(
      "The address at which workers and people reach the servers, such as `https://stackyard.example.org`. Default: host and port",
      ADDRESS,
    ),
    servicesUrl: text(
      "The address at which code hosts and people reach the paths of services (`/hooks/`, `/wake/`), if it is another one. Default: `server.url`",
      ADDRESS,
    ),
    trustedProxies: Type.Optional(
      Type.Immutable(
        Type.Array(Type.String({ maxLength: 64 }), {
          maxItems: 100,
          description:
            "Networks of your proxies, such as `10.0.7.0/28`: their `X-Forwarded-For` names the address of a client. Default: none",
        }),
      ),
    ),
    mcp: Type.Optional(
      Type.Object(
        {
          allowWrites: Type.Optional(
            Type.Boolean({
              description: "True to offer assistants the tools that send events and retry tasks",
              default: CONFIG_DEFAULTS.mcpAllowWrites,
            }),
          ),
        },
        {
          ...closed,
          description:
            "Lets servers answer assistants at `/mcp`, with `@stackyard/mcp`: `{}` to read, `{ allowWrites: true }` also to send events and retry tasks. Default: none",
        },
      ),
    ),
  },
  closed,
);

const Worker = Type.Object(
  {
    lease: text(
      "How long a process keeps its tasks after it dies; from `1s` to `1h`. A live process renews its leases after a third of it",
      {
        maxLength: 32,
        default: CONFIG_DEFAULTS.lease,
      },
    ),
  },
  closed,
);

/** `stackyard.config.ts`: read by the command line, `dev`, `server` and `worker`. */
export const StackyardConfig = Type.Object(
  {
    machines: text("The folder of machine documents: `.yaml`, `.yml`, `.json`, `.ts`", {
      ...PATH,
      default: CONFIG_DEFAULTS.machines,
    }),
    dataDir: text("The folder of the embedded store, the token and working files; do not commit it", {
      ...PATH,
      default: CONFIG_DEFAULTS.dataDir,
    }),
    // The store's package checks its options.
    store: Type.Optional(
      Type.Unsafe<StoreReference>({
        description: "Where all state is stored: a name, or the options of the store next to `type`",
        default: CONFIG_DEFAULTS.store,
      }),
    ),
    executors: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "Options of the built-in executors by their names, `terraform`, `lambda` and `command`",
      }),
    ),
    // Plugins contain functions; each is validated separately.
    plugins: Type.Optional(
      Type.Immutable(
        Type.Array(Type.Unsafe<PluginReference>({}), {
          maxItems: 100,
          description:
            "Each plugin as a package, a path, or the plugin itself; `{ use, options }` passes options. Default: none",
        }),
      ),
    ),
    server: Type.Optional(Server),
    access: Type.Optional(AccessConfig),
    concurrency: count("How many tasks run at the same time", {
      minimum: 1,
      maximum: 1_000,
      default: CONFIG_DEFAULTS.concurrency,
    }),
    worker: Type.Optional(Worker),
    logs: bucketPlace(
      `\`bucket\` and \`prefix\` in S3 for whole logs of tasks. Default: the store; of \`prefix\`: \`${KEY_PREFIXES.logs}\``,
    ),
    distributor: text("The name or ARN of the function of the distributor of artifacts. Default: none", {
      minLength: 1,
      maxLength: 2_048,
    }),
    accounts: Type.Optional(
      Type.Immutable(
        Type.Record(
          Type.String({ pattern: "^[0-9]{12}$" }),
          Type.String({ pattern: "^[^\\p{Cc}]{1,64}$", expected: "a name of 1 to 64 characters in one line" }),
          {
            additionalProperties: false,
            maxProperties: 10_000,
            description:
              'Names of AWS accounts by their ids, such as `{ "111122223333": "shop-prod" }`, which console and command line show before them. Default: none',
          },
        ),
      ),
    ),
    customResources: text(
      "The DynamoDB table of the function behind `Custom::ECSTask`, for the list of its runs; its ARN where that is in another region. Default: none",
      { minLength: 3, maxLength: 1_024 },
    ),
    // Each yard is validated by the schema of its kind.
    yards: Type.Optional(
      Type.Unsafe<ConfiguredYards>({ description: "Yards that commands reach with `--yard NAME`. Default: none" }),
    ),
  },
  closed,
);

/** The configuration of a project. */
export type StackyardConfig = Static<typeof StackyardConfig>;
