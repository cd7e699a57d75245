import { removeServerFile, writeServerFile } from "../client/server-file.ts";
import type { RunningProcess } from "./start-process.ts";

/**
 * Lets the project's commands find the server of this process. Gives the way to take the address away. When it cannot be
 * written the process is stopped: nobody else knows yet that it runs.
 */
export async function publishAddress(dataDir: string, running: RunningProcess): Promise<() => void> {
  const remove = () => removeServerFile(dataDir, process.pid);
  // Whatever ends the process, nobody shall look for a server that is gone.
  process.once("exit", remove);
  try {
    await writeServerFile(dataDir, {
      url: running.url ?? "",
      pid: process.pid,
      startedAt: new Date().toISOString(),
    });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return remove;
}
