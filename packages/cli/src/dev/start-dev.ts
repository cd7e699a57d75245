import type { Logger } from "@stackyard/core";
import { chooseStore } from "../project/choose-store.ts";
import type { ConfigFile } from "../project/config-file.ts";
import { dataDirOf } from "../project/load-executors.ts";
import { publishAddress } from "../yard/publish-address.ts";
import { type RunningProcess, startProcess, type TaskReport } from "../yard/start-process.ts";

export interface DevOptions {
  readonly host: string;
  readonly port: number;
  /** Everybody on this machine may call the server. */
  readonly anonymous: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly onReport: (report: TaskReport) => void;
  /** How long running tasks may go on when it ends. */
  readonly drainMs: number;
}

/** A yard of one process at work, with its server. */
export interface RunningDev extends RunningProcess {
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
}

/** Starts a project's yard, and leaves its address in the data folder. Throws as `startProcess`. */
export async function startDev(file: ConfigFile, options: DevOptions): Promise<RunningDev> {
  const { host, port, anonymous, ...rest } = options;
  const dataDir = dataDirOf(file);
  let token = "";
  const loadTokens = async () => {
    const { ensureToken } = await import("@stackyard/server");
    token = await ensureToken(dataDir);
    return [{ name: "operator", token }];
  };
  const started = await startProcess(file, {
    ...rest,
    roles: ["engine", "worker"],
    store: chooseStore(file),
    serve: { host, port, anonymous, loadTokens, proofDir: dataDir },
  });
  const { url = "" } = started;
  const removeAddress = await publishAddress(dataDir, started);
  return {
    ...started,
    url,
    token,
    dataDir,
    async stop() {
      removeAddress();
      await started.stop();
    },
  };
}
