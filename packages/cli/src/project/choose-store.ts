import { failWith } from "../shell/failure.ts";
import type { ConfigFile } from "./config-file.ts";
import { dataDirOf } from "./load-executors.ts";

/** The store of a project: the embedded one in a folder, or one that a package brings. */
export type StoreChoice =
  | { readonly kind: "sqlite"; readonly folder: string }
  | {
      readonly kind: "package";
      /** As people name it: `postgres`, `dynamodb`, or the package itself. */
      readonly name: string;
      /** The package, or a path. */
      readonly use: string;
      readonly options: Readonly<Record<string, unknown>>;
    };

type Environment = Readonly<Record<string, string | undefined>>;

const PACKAGES: Readonly<Record<string, string>> = {
  postgres: "@stackyard/store-postgres",
  dynamodb: "@stackyard/store-dynamodb",
};
/** Each names a Postgres server; the package reads them. */
const POSTGRES_VARIABLES = ["DATABASE_URL", "DATABASE_URL_FILE", "POSTGRES_CONNECTION_SECRET"] as const;

/** The store that the configuration names; without a word of it the embedded one. Throws `CONFIG_INVALID`. */
export function chooseStore(file: ConfigFile): StoreChoice {
  const { store = "sqlite" } = file.config;
  const { type, ...options } = typeof store === "string" ? { type: store } : store;
  if (type !== "sqlite") return { kind: "package", name: type, use: PACKAGES[type] ?? type, options };
  const [option] = Object.keys(options);
  if (option === undefined) return { kind: "sqlite", folder: dataDirOf(file) };
  throw failWith("CONFIG_INVALID", `store.${option}: the store "sqlite" takes no options.`, {
    hint: "Its folder is `dataDir`, beside `store`.",
  });
}

/**
 * The store of a process that shares its yard with others. Where the configuration is silent, the environment may name a
 * Postgres server: who runs servers and workers means that one, while in a developer's shell it may be any database.
 */
export function chooseSharedStore(file: ConfigFile, env: Environment): StoreChoice {
  if (findStoreVariable(file, env) === undefined) return chooseStore(file);
  return chooseStore({ ...file, config: { ...file.config, store: "postgres" } });
}

/** The variable that names the store where the configuration is silent; undefined: none does. */
export function findStoreVariable({ config }: ConfigFile, env: Environment): string | undefined {
  if (config.store !== undefined) return undefined;
  return POSTGRES_VARIABLES.find((name) => (env[name] ?? "") !== "");
}

/** The environment as tasks may see it: with the store or a token, a task has the whole yard. */
export function toTaskEnvironment(env: Environment, choice: StoreChoice): Environment {
  const hidden = new Set<string>([...TOKEN_VARIABLES, ...listStoreVariables(choice), ...listDriverVariables(choice)]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)));
}

/**
 * Removes from the environment of this process what tasks must not see, once the process has read it: a plugin that starts
 * a program without naming an environment hands on that of the process. What the driver of the database reads again for
 * each connection stays. On Linux `/proc/<pid>/environ` goes on showing the environment that the process began with.
 */
export function forgetSecrets(env: Record<string, string | undefined>, choice: StoreChoice): void {
  for (const name of [...TOKEN_VARIABLES, ...listStoreVariables(choice)]) delete env[name];
}

const TOKEN_VARIABLES = ["STACKYARD_TOKEN", "STACKYARD_API_TOKENS", "STACKYARD_API_TOKENS_FILE"];

function listStoreVariables(choice: StoreChoice): readonly string[] {
  if (choice.kind === "sqlite") return [];
  if (choice.name === "dynamodb") return ["DYNAMODB_TABLE", "DYNAMODB_WORK_TABLE"];
  // A store of one's own may well be on Postgres.
  return POSTGRES_VARIABLES;
}

/** libpq's names for a password and the file that holds some, which Postgres drivers know too. */
function listDriverVariables(choice: StoreChoice): readonly string[] {
  return choice.kind === "sqlite" || choice.name === "dynamodb" ? [] : ["PGPASSWORD", "PGPASSFILE"];
}

/** What to do where one process may write and several are wanted. */
export const SHARED_STORE_HINT =
  'Use Postgres: `npm install @stackyard/store-postgres`, write `store: "postgres"` into the configuration and set DATABASE_URL. Or let one process do everything: `stackyard server --with-worker`.';
