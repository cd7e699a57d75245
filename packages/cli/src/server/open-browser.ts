import { spawn } from "node:child_process";
import { pickEnvironment } from "@stackyard/core/programs";

/** A program and the words that come before the address. */
export type Opener = readonly [program: string, ...words: readonly string[]];

interface Place {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** True when a person reads the output. */
  readonly interactive: boolean;
}

/**
 * Returns the program that opens a browser before the person: `BROWSER`, or that of the desktop. Undefined where no
 * person would see it, such as in a pipe, over SSH or on a machine without a screen, and with `BROWSER=none`.
 */
export function findOpener({ env, platform, interactive }: Place): Opener | undefined {
  if (!interactive) return undefined;
  const { BROWSER: browser, SSH_CONNECTION: ssh, DISPLAY, WAYLAND_DISPLAY } = env as Readonly<Record<string, string>>;
  if (browser === "none") return undefined;
  const [program, ...words] = browser?.split(" ").filter((word) => word !== "") ?? [];
  if (program !== undefined) return [program, ...words];
  if (ssh) return undefined;
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return DISPLAY || WAYLAND_DISPLAY ? ["xdg-open"] : undefined;
}

const WAIT_MS = 2_000;

/** Opens an address. Returns false when the program is missing or fails soon. It may outlive this process. */
export function openBrowser([program, ...words]: Opener, url: string, env: Place["env"]): Promise<boolean> {
  return new Promise((resolve) => {
    // It needs those of the desktop, and no token of a yard.
    const options = { env: pickEnvironment(env, ["*"]), stdio: "ignore", detached: true } as const;
    const child = spawn(program, [...words, url], options);
    const timer = setTimeout(() => resolve(true), WAIT_MS);
    const end = (opened: boolean) => {
      clearTimeout(timer);
      resolve(opened);
    };
    child.once("error", () => end(false));
    child.once("exit", (code) => end(code === 0));
    child.unref();
  });
}
