import { createTestBrowser } from "@stackyard/oidc-issuer";
import { type RunningCli, startCli } from "./run-cli.ts";

/**
 * Signs in as a person does: with a browser, by the code that the terminal shows. Returns the terminal's command, which ends at its
 * next poll: every five seconds.
 *
 * @param home where the login is kept
 */
export async function startLogin(url: string, home: string): Promise<RunningCli> {
  const command = startCli(["login", "--url", url, "--json"], { cwd: home, env: { XDG_CONFIG_HOME: home } });
  const asked: { readonly userCode: string; readonly verificationUri: string } = JSON.parse(
    await command.line((line) => line.includes("userCode")),
  );
  const browser = createTestBrowser();
  await browser.open(asked.verificationUri);
  await browser.submit(asked.verificationUri, { code: asked.userCode, answer: "allow" });
  return command;
}
