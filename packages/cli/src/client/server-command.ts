import { isStackyardError, type Logger } from "@stackyard/core";
import { Stackyard } from "@stackyard/sdk";
import { type Static, type TObject, Type } from "typebox";
import { type Command, type CommandContext, type CommandSpec, createCommand } from "../command.ts";
import { failWith } from "../shell/failure.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { createDisplayFetch } from "./displayed-answers.ts";
import { serverArgs } from "./find-server.ts";
import { adviseUnknownStack } from "./nearest-stack.ts";
import { openServer } from "./open-server.ts";

/** What a command that talks to a server is given. */
export interface ServerContext extends CommandContext {
  readonly yard: Stackyard;
}

type Own<Args extends TObject> = Omit<CommandSpec<Args>, "run"> & {
  /** Gives the exit code; nothing is 0. Errors fly. */
  run(context: ServerContext, args: Static<Args>): Promise<number | undefined>;
};

/** A command over a server: `--url`, `--token`, `--yard` and `--project` are added to its own arguments. */
export function defineServerCommand<Args extends TObject>(spec: Own<Args>): Command {
  const args = Type.Object({ ...spec.args.properties, ...serverArgs });
  return createCommand({ ...spec, args }, async (context, { url, token, yard: name, project, ...rest }) => {
    const { close, ...server } = await openServer(context, pickTexts({ url, token, yard: name, project }));
    // One more try: who types the command wants to know soon that nobody is there.
    const logger = createProcessLogger(context);
    logger.debug("server found", { url: server.url });
    const logged = createLoggedFetch(logger);
    const yard = new Stackyard({
      ...server,
      retries: 1,
      fetch: context.out.json ? logged : createDisplayFetch(logged),
    });
    try {
      // `createCommand` has checked them against the schema that holds these.
      return await spec.run({ ...context, yard }, rest as Static<Args>);
    } catch (error) {
      throw await toExplained(
        error,
        { ...context, yard },
        { stack: "stack" in rest ? rest.stack : undefined, url: server.url },
      );
    } finally {
      await close();
    }
  });
}

/** The error with what helps against it: where the server should be, or which stack was probably meant. */
async function toExplained(
  error: unknown,
  context: ServerContext,
  { stack, url }: { readonly stack: unknown; readonly url: string },
): Promise<unknown> {
  if (isStackyardError(error, "UNREACHABLE")) {
    return failWith("UNREACHABLE", `${error.message.replace(/\.$/, "")} at ${url}.`, { cause: error });
  }
  if (!isStackyardError(error, "STACK_UNKNOWN") || typeof stack !== "string" || "hint" in error.details) return error;
  const hint = await adviseUnknownStack(context, stack);
  return failWith("STACK_UNKNOWN", error.message, { hint, cause: error });
}

/** Calls `fetch`, and logs each request with the answer's status; never its headers, which hold the token. */
function createLoggedFetch(logger: Logger): typeof fetch {
  return async (input, init) => {
    const startedAt = performance.now();
    const response = await fetch(input, init);
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const ms = Math.round(performance.now() - startedAt);
    logger.debug(`${init?.method ?? "GET"} ${pathname}${search}`, { status: response.status, ms });
    return response;
  };
}

function pickTexts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
