import { type NewFiles, toCamelCase } from "./new-files.ts";

/** The pinned version of a dependency, from the manifest of another package. */
export type VersionOf = (dependency: string) => string;

/** Returns the package of a new executor, with a test that fails until it does its work. */
export function newExecutor(name: string, versionOf: VersionOf): NewFiles {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    throw new Error(`"${name}" is not the name of an executor: use lower-case letters, digits and hyphens.`);
  }
  const camel = toCamelCase(name);
  const type = camel.charAt(0).toUpperCase() + camel.slice(1);
  const code = name.replaceAll("-", "_").toUpperCase();
  const folder = `packages/executor-${name}`;
  return {
    files: new Map([
      [`${folder}/package.json`, toManifest(name, versionOf)],
      [`${folder}/tsconfig.json`, '{\n  "extends": "../../tsconfig.base.json",\n  "include": ["src"]\n}\n'],
      [
        `${folder}/tsup.config.ts`,
        'import { libraryOf } from "../../tsup.base.ts";\n\nexport default libraryOf(import.meta.dirname);\n',
      ],
      [`${folder}/README.md`, toReadme(name)],
      [`${folder}/src/definition.ts`, toDefinition(name, camel, type)],
      [`${folder}/src/${name}.ts`, toSource({ name, camel, type, code })],
      [`${folder}/src/${name}.test.ts`, toTest(name, camel)],
      [`${folder}/src/index.ts`, toIndex(name, camel, type)],
    ]),
    next: [
      `cp LICENSE ${folder}/ && npm install`,
      `Make ${folder}/src/${name}.test.ts pass: npx vitest run --project unit ${folder}`,
      'Add its row to "Packages" of ARCHITECTURE.md (of ARCHITECTURE-AWS.md for a product of AWS), and its name to the executors in tools/checks/code-pages.ts',
      "npm run format && npm run api && npm test",
    ],
  };
}

function toManifest(name: string, versionOf: VersionOf): string {
  const manifest = {
    name: `@stackyard/executor-${name}`,
    version: versionOf("@stackyard/core"),
    description: `Stackyard's executor ${name}.`,
    license: "MIT",
    type: "module",
    sideEffects: false,
    engines: { node: versionOf("node") },
    files: ["dist", "README.md", "LICENSE"],
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./definition": { types: "./dist/definition.d.ts", default: "./dist/definition.js" },
      "./package.json": "./package.json",
    },
    publishConfig: { access: "public" },
    scripts: { build: "node ../../tools/checks/bundle.ts ." },
    dependencies: { "@stackyard/core": versionOf("@stackyard/core"), typebox: versionOf("typebox") },
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function toReadme(name: string): string {
  return `# @stackyard/executor-${name}

After reading this page you can run tasks of the executor \`${name}\`.

\`\`\`yaml
tasks:
  work: { executor: ${name}, config: { seconds: 60 } }
\`\`\`

| config | content |
|---|---|
| \`seconds\` | how long the work takes, 1 to 86,400 |
`;
}

function toDefinition(name: string, camel: string, type: string): string {
  return `import { type Static, Type } from "typebox";

/** What a machine writes under \`config\`. */
export const ${type}Config = Type.Object(
  { seconds: Type.Integer({ minimum: 1, maximum: 86_400, description: "How long the work takes." }) },
  { additionalProperties: false },
);
export type ${type}Config = Static<typeof ${type}Config>;

/** What is kept between two polls: JSON that survives a restart. */
export const ${type}Progress = Type.Object({ until: Type.Integer() });

/** What a machine can take from the finished task. */
export const ${type}Outputs = Type.Object({ endedAt: Type.Integer() });

/** All that is known of the executor without running it. */
export const ${camel}Definition = {
  name: "${name}",
  config: ${type}Config,
  progress: ${type}Progress,
  outputs: ${type}Outputs,
  resumable: true,
  cancelWithin: "1m",
  timeout: ({ seconds }: ${type}Config): number => seconds * 1_000 + 60_000,
} as const;
`;
}

interface SourceNames {
  readonly name: string;
  readonly camel: string;
  readonly type: string;
  readonly code: string;
}

function toSource({ camel, code }: SourceNames): string {
  return `import { defineExecutor, failed, running } from "@stackyard/core";
import { ${camel}Definition } from "./definition.ts";

/** Does its work. Fails with ${code}_CANCELLED and ${code}_NOT_WRITTEN. */
export const ${camel} = defineExecutor({
  ...${camel}Definition,

  // Starts the work, once for ctx.idempotencyKey: after a crash it is called again.
  async start(ctx, { seconds }) {
    return working({ until: ctx.clock.now() + seconds * 1_000 });
  },

  // Checks the work. A service that does not answer is not a failure of the work: see continueLater.
  async poll(ctx, _config, progress) {
    if (ctx.clock.now() < progress.until) return working(progress);
    const message = "Return succeeded with its outputs.";
    return failed({ code: "${code}_NOT_WRITTEN", message, retryable: false });
  },

  // Stops the work, and ends when it has stopped.
  async cancel() {
    return failed({ code: "${code}_CANCELLED", message: "The work was cancelled.", retryable: false });
  },
});

function working(progress: { readonly until: number }) {
  return running({ progress, pollAfterMs: 10_000, message: "Working" });
}
`;
}

function toTest(name: string, camel: string): string {
  return `import { runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { ${camel} } from "./${name}.ts";

describe("${name}", () => {
  it("does its work", async () => {
    const { step } = await runExecutor(${camel}, { seconds: 60 });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { endedAt: expect.any(Number) } });
  });

  it("ends when it is cancelled", async () => {
    const { step } = await runExecutor(${camel}, { seconds: 60 }, { cancelAfterMs: 30_000 });

    expect(step).toMatchObject({ kind: "failed" });
  });
});
`;
}

function toIndex(name: string, camel: string, type: string): string {
  return `import { definePlugin } from "@stackyard/core";
import { ${camel} } from "./${name}.ts";

export { ${type}Config, ${type}Outputs, ${camel}Definition } from "./definition.ts";
export { ${camel} } from "./${name}.ts";

/** The plugin of the executor \`${name}\`. */
export default definePlugin({ name: "${name}", executors: [${camel}] });
`;
}
