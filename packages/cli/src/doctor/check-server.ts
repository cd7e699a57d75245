import { isStackyardError } from "@stackyard/core";
import { Stackyard } from "@stackyard/sdk";
import { type GivenServer, openServer } from "../client/open-server.ts";
import type { CommandContext } from "../command.ts";
import { type Finding, fail, failOf, ok, warn } from "./finding.ts";

/** Looks whether the server answers, and takes the token. */
export async function checkServer({ cwd, env, out, signal }: CommandContext, given: GivenServer): Promise<Finding> {
  try {
    const { close, ...server } = await openServer({ cwd, env, out }, given);
    try {
      await new Stackyard({ ...server, retries: 0 }).events.list({ limit: 1, signal });
      return ok("server", `${server.url} answers.`);
    } catch (error) {
      if (!isStackyardError(error, "UNAUTHENTICATED"))
        return failOf("server", error, `Is ${server.url} the right address?`);
      return fail(
        "server",
        `${server.url} does not take the token.`,
        "Give another one with --token or STACKYARD_TOKEN.",
      );
    } finally {
      await close();
    }
  } catch (error) {
    if (!isStackyardError(error, "UNREACHABLE")) return failOf("server", error, "Check --url and STACKYARD_URL.");
    const hint = "Start it with `stackyard dev`, or `stackyard server` for a team.";
    return warn("server", error.message, typeof error.details["hint"] === "string" ? error.details["hint"] : hint);
  }
}
