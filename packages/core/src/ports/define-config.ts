import type { ConfiguredYards } from "./configured-yards.ts";
import type { Plugin } from "./define-plugin.ts";

/** A plugin by package name or path, or the plugin itself; with options where it takes some. */
export type PluginReference = string | Plugin | { readonly use: string | Plugin; readonly options?: unknown };

/**
 * A store by name (`sqlite`, `postgres`), package or path; beside `type` stand the store's own options. A package exports
 * `createStore(options, { projectDir, environment, logger, migrate })`, which resolves with a `Store`; `migrate: false`: to
 * look only, nothing is brought up to date.
 */
export type StoreReference = string | { readonly type: string; readonly [option: string]: unknown };

/** `stackyard.config.ts`: read by the command line, `dev`, `server` and `worker`. */
export interface StackyardConfig {
  /** The folder of machine documents (`.yml`, `.yaml`, `.json`, `.ts`). Default: `machines`. */
  readonly machines?: string;
  /** Where the embedded store, the token and working files lie. Default: `.stackyard`. */
  readonly dataDir?: string;
  /**
   * Where all state lives. Default: `sqlite`, in `dataDir`, for one process; `server` and `worker` take `postgres` where
   * the environment has `DATABASE_URL`.
   */
  readonly store?: StoreReference;
  /** Beside the built-in `terraform` and `lambda`. */
  readonly plugins?: readonly PluginReference[];
  /** Options of the built-in executors, by their names. */
  readonly executors?: Readonly<Record<string, unknown>>;
  readonly server?: {
    /** Default: `127.0.0.1`. */
    readonly host?: string;
    /** Default: 7070. */
    readonly port?: number;
    /**
     * Where workers and people reach the servers, such as `https://stackyard.example.org`; Terraform keeps its state
     * there. Default: host and port.
     */
    readonly url?: string;
  };
  /** Tasks that run at the same time. Default: 8. */
  readonly concurrency?: number;
  readonly worker?: {
    /**
     * How long tasks of a process that died stay with it before they are taken up again: a duration from `1s` to `1h`.
     * A live one renews it at a third. Default: `30s`.
     */
    readonly lease?: string;
  };
  /** Yards that commands reach by `--yard NAME`. */
  readonly yards?: ConfiguredYards;
}

/** Types a configuration; gives it back as it is. */
export function defineConfig(config: StackyardConfig): StackyardConfig {
  return config;
}
