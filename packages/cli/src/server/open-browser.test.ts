import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findOpener, openBrowser } from "./open-browser.ts";

const desk = { env: { DISPLAY: ":0" }, platform: "linux", interactive: true } as const;

describe("findOpener", () => {
  it.each([
    ["a desktop of Linux", desk, ["xdg-open"]],
    ["Wayland", { ...desk, env: { WAYLAND_DISPLAY: "wayland-0" } }, ["xdg-open"]],
    ["macOS", { ...desk, env: {}, platform: "darwin" }, ["open"]],
    ["Windows", { ...desk, env: {}, platform: "win32" }, ["rundll32", "url.dll,FileProtocolHandler"]],
    ["BROWSER, with words", { ...desk, env: { BROWSER: "firefox  --new-tab" } }, ["firefox", "--new-tab"]],
    ["BROWSER over SSH", { ...desk, env: { BROWSER: "/opt/open", SSH_CONNECTION: "a" } }, ["/opt/open"]],
  ] as const)("finds the program on %s", (_where, place, opener) => {
    expect(findOpener(place)).toEqual(opener);
  });

  it.each([
    ["a pipe [vercel#796]", { ...desk, interactive: false }],
    ["a server without a screen", { ...desk, env: {} }],
    ["SSH", { ...desk, env: { DISPLAY: ":0", SSH_CONNECTION: "10.0.0.1 22" } }],
    ["SSH of macOS", { ...desk, env: { SSH_CONNECTION: "10.0.0.1 22" }, platform: "darwin" }],
    ["BROWSER=none", { ...desk, env: { DISPLAY: ":0", BROWSER: "none" } }],
  ] as const)("finds none in %s", (_where, place) => {
    expect(findOpener(place)).toBeUndefined();
  });
});

describe("openBrowser", () => {
  it("hands the address over as one word, and says whether that worked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "browser-"));
    const script = join(folder, "open.sh");
    const text = `#!/bin/sh\nprintf '%s|' "$@" "$DISPLAY" "$STACKYARD_TOKEN" > "${folder}/seen"\n`;
    writeFileSync(script, text, { mode: 0o700 });
    const env = { DISPLAY: ":0", STACKYARD_TOKEN: "secret" };
    const url = "http://127.0.0.1:7070/auth/local?code=A&b=$(id);c d";

    const opened = await openBrowser([script, "--new-tab"], url, env);
    const failed = await openBrowser(["/bin/false"], url, env);
    const missing = await openBrowser([join(folder, "missing")], url, env);

    const seen = readFileSync(join(folder, "seen"), "utf8");
    rmSync(folder, { recursive: true });
    expect(seen).toBe(`--new-tab|${url}|:0||`);
    expect([opened, failed, missing]).toEqual([true, false, false]);
  });
});
