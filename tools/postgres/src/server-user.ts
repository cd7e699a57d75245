import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";

/** Under which the server runs; empty: under the user of this process. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

const NAME = "postgres";

/** Returns the user to run PostgreSQL, which refuses to run as root: then `postgres`, created if missing. */
export function findServerUser(): ServerUser {
  if (userInfo().uid !== 0) return {};
  return findUser() ?? addUser();
}

function addUser(): ServerUser {
  execFileSync("useradd", ["--system", "--user-group", "--no-create-home", NAME]);
  const user = findUser();
  if (user === undefined) throw new Error(`The user "${NAME}" could not be made. Make it, or do not run as root.`);
  return user;
}

function findUser(): ServerUser | undefined {
  try {
    const idOf = (flag: string) => Number(execFileSync("id", [flag, NAME], { encoding: "utf8", stdio: "pipe" }));
    return { uid: idOf("-u"), gid: idOf("-g") };
  } catch {
    return undefined;
  }
}
