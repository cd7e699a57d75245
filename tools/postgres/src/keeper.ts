import { type ChildProcess, spawn } from "node:child_process";
import type { ServerUser } from "./start-postgres.ts";

const SCRIPT = `
cat > /dev/null
pid=$(head -n 1 "$2/data/postmaster.pid" 2> /dev/null)
[ -n "$pid" ] && kill -CONT "$pid" 2> /dev/null
"$1" --pgdata "$2/data" --mode immediate --wait stop > /dev/null 2>&1
rm -rf "$2"/*
`;

/**
 * Watches over a server: when this process ends, in whatever way, the keeper's standard input ends, and it stops the
 * server that then runs in the folder and removes its data.
 */
export function startKeeper(pgCtl: string, folder: string, user: ServerUser): ChildProcess {
  const keeper = spawn("/bin/sh", ["-c", SCRIPT, "keeper", pgCtl, folder], {
    ...user,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Neither the keeper nor the pipe to it shall keep this process alive.
  keeper.unref();
  const { stdin } = keeper;
  if (stdin !== null && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  stdin?.on("error", () => undefined);
  return keeper;
}
