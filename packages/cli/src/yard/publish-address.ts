import { removeServerFile, writeServerFile } from "../client/server-file.ts";

/** Lets the project's commands find a server of this process. Gives the way to take the address away. */
export async function publishAddress(dataDir: string, url: string): Promise<() => void> {
  const remove = () => removeServerFile(dataDir, process.pid);
  // Whatever ends the process, nobody shall look for a server that is gone.
  process.once("exit", remove);
  await writeServerFile(dataDir, { url, pid: process.pid, startedAt: new Date().toISOString() });
  return remove;
}
