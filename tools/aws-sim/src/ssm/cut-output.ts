/** User guide, "Run Command": what ListCommandInvocations shows of a plugin's output. */
const MAX_PLUGIN = 2_500;
/** As the agent writes them (aws/amazon-ssm-agent, TruncateOutput). */
const CUT_OUT = "\n---Output truncated---";
const CUT_ERROR = "\n---Error truncated----";
const ERROR_HEAD = "\n----------ERROR-------\n";

/** Both streams in one text of at most 2,500 characters, errors behind a head line; what is cut says so. */
export function toPluginOutput(stdout: string, stderr: string): string {
  const both = stderr === "" ? stdout : `${stdout}${ERROR_HEAD}${stderr}`;
  if (both.length <= MAX_PLUGIN) return both;
  if (stderr === "") return cut(stdout, MAX_PLUGIN, CUT_OUT);
  const room = MAX_PLUGIN - ERROR_HEAD.length;
  const forErrors = Math.min(stderr.length, Math.max(room - stdout.length, Math.floor(room / 2)));
  const out = cut(stdout, room - forErrors, CUT_OUT);
  return `${out}${ERROR_HEAD}${cut(stderr, forErrors, CUT_ERROR)}`;
}

/** The first so many characters. */
export function cutText(text: string, max: number): string {
  return text.slice(0, max);
}

function cut(text: string, max: number, mark: string): string {
  return text.length <= max ? text : `${text.slice(0, Math.max(0, max - mark.length))}${mark}`;
}
