/** An instruction of a Dockerfile, with its lines joined. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** A part of a Dockerfile that begins with FROM. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** Reads the stages of a Dockerfile. */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n");
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const [, base = "", stage = ""] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
    if (name === "FROM") stages.push({ name: stage, base, instructions: [] });
    else if (name !== "") stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
}

/** What a container starts with. */
export interface ImageConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly health: readonly string[];
}

/** Where a stage is built. */
export interface RootInput {
  readonly stages: readonly Stage[];
  readonly target: string;
  /** The build context. */
  readonly context: string;
  /** The folder of each stage's root, in which a base image is already. */
  readonly rootOf: (stage: string) => string;
  /** Shell that makes the root of a stage from its base image. */
  readonly prepare: (stage: string) => string;
}

/** Returns the shell script that builds a stage, and before it those that it depends on. */
export function toBuildScript({ stages, target, context, rootOf, prepare }: RootInput): string {
  const lines: string[] = [];
  const roots = new Map<string, string>();

  /** Builds a stage once; returns its root, which is that of the stage on which it is based. */
  function build(name: string): string {
    const known = roots.get(name);
    if (known !== undefined) return known;
    const { base, instructions } = findStage(stages, name);
    const isOurs = stages.some((each) => each.name === base);
    const root = isOurs ? build(base) : rootOf(name);
    roots.set(name, root);
    if (!isOurs) lines.push(prepare(name));
    let folder = "/";
    for (const { name: op, text } of instructions) {
      if (op === "WORKDIR") folder = text;
      lines.push(...toShell({ op, text, root, folder, source: findSource(op, text) }));
    }
    return root;
  }

  function findSource(op: string, text: string): string {
    const [, from] = /--from=(\S+)/.exec(text) ?? [];
    return op !== "COPY" || from === undefined ? context : build(from);
  }

  build(target);
  return lines.join("\n");
}

interface Step {
  readonly op: string;
  readonly text: string;
  readonly root: string;
  readonly folder: string;
  readonly source: string;
}

function toShell({ op, text, root, folder, source }: Step): readonly string[] {
  if (op === "WORKDIR") return [`mkdir -p ${root}${text}`];
  if (op === "RUN") return [`chroot ${root} /bin/sh -euc ${quote(`cd ${folder}; ${text}`)}`];
  if (op !== "COPY") return [];
  const words = text.split(/\s+/).filter((word) => !word.startsWith("--"));
  const to = words.at(-1) ?? "";
  const path = to.startsWith("/") ? `${root}${to}` : `${root}${folder}/${to}`;
  // COPY takes the content of a folder.
  const copies = words
    .slice(0, -1)
    .map((word) => `${source}/${word}`.replace(/\/+/g, "/"))
    .map((file) => `if [ -d ${file} ]; then cp -a ${file}/. ${path}; else cp -a ${file} ${path}; fi`);
  // A pattern that matches several files is one word of COPY.
  const isPattern = words[0]?.includes("*") === true;
  return [`mkdir -p ${path}`, ...(isPattern ? [`cp -a ${source}/${words[0]} ${path}`] : copies)];
}

/** Returns how containers of a stage start. */
export function toImageConfig(stages: readonly Stage[], target: string): ImageConfig {
  const all = listInstructions(stages, target);
  const lastOf = (op: string) => all.findLast(({ name }) => name === op)?.text ?? "";
  const wordsOf = (op: string): readonly string[] => JSON.parse(/\[.*\]/s.exec(lastOf(op))?.[0] ?? "[]");
  const env = all.filter(({ name }) => name === "ENV").flatMap(({ text }) => [...text.matchAll(/(\w+)=(\S+)/g)]);
  return {
    env: Object.fromEntries(env.map(([, key = "", value = ""]) => [key, value])),
    folder: lastOf("WORKDIR"),
    volumes: all.flatMap(({ name, text }) => (name === "VOLUME" ? [text] : [])),
    entrypoint: wordsOf("ENTRYPOINT"),
    command: wordsOf("CMD"),
    health: wordsOf("HEALTHCHECK"),
  };
}

/** Returns the instructions of a stage, after those of the stages on which it is based. */
function listInstructions(stages: readonly Stage[], name: string): readonly Instruction[] {
  const { base, instructions } = findStage(stages, name);
  return stages.some((each) => each.name === base)
    ? [...listInstructions(stages, base), ...instructions]
    : instructions;
}

function findStage(stages: readonly Stage[], name: string): Stage {
  const stage = stages.find((each) => each.name === name);
  if (stage === undefined) throw new Error(`The Dockerfile has no stage "${name}".`);
  return stage;
}

/** Quotes a word for the shell. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
