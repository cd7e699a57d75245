import { Type } from "typebox";
import { loadReleaseFile } from "./load-release-file.ts";
import { accountArgs, fileArg, presetArg } from "./release-args.ts";
import type { ReleaseCommandSpec } from "./release-command.ts";
import { tellProblems, tellWarnings } from "./tell-problems.ts";

const Args = Type.Object({ file: fileArg, preset: presetArg, ...accountArgs });

/** `release validate`: everything that is wrong with a release file, without an account. */
export const releaseValidate: ReleaseCommandSpec<typeof Args> = {
  name: "release validate",
  summary: "Check a release file and its user data, and list every problem. Needs no account.",
  description: "Exit code 1: there are problems. Each has the predecessor's class, a code and a JSON pointer.",
  examples: [
    { command: "stackyard release validate shop.json", what: "A file of ours or of Odin, with shop.json.userdata" },
    {
      command: "stackyard release validate shop.json --preset step-asg-deployer",
      what: "A file of the first generation",
    },
  ],
  args: Args,
  async run(context, args) {
    const { out } = context;
    const prepared = await loadReleaseFile(context, args.file, args);
    if (prepared.kind === "refused") {
      tellProblems(out, args.file, prepared.problems);
      return 1;
    }
    tellWarnings(out, prepared.warnings);
    const { file } = args;
    out.result({ file, valid: true, problems: [], warnings: prepared.warnings }, () => `${file}: no problems`);
    return 0;
  },
};
