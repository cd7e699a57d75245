import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createProject, hasPrograms, readPage, writeFiles } from "../testing/played-project.ts";

// Plays docs/adopting.md with two environments that Terraform alone has made, and one that a value of the page does not fit.

const COMPARED = "stackyard stacks ls";

describe.runIf(hasPrograms("terraform"))("docs/adopting.md (skipped without its programs)", () => {
  const project = createProject("minimal");
  afterAll(project.remove);

  /** Makes an environment as a workflow would: with a state of its own, far from the yard. */
  const makeBefore = (id: string, size: string) => {
    cpSync(join(project.folder, "terraform/app"), join(project.folder, "workflow", id), { recursive: true });
    return project.run(
      `cd workflow/${id} && terraform init -input=false && mkdir -p ../../old-states && terraform apply -input=false -auto-approve -var stack_id=${id} -var size=${size} && cp terraform.tfstate ../../old-states/${id}.tfstate`,
    );
  };

  it("takes over what exists: a plan without changes, or a stack that waits", { timeout: 240_000 }, async () => {
    const snippets = readPage("docs/adopting.md");
    writeFiles(project.folder, snippets);
    await makeBefore("shop", "large");
    await makeBefore("blog", "small");
    await makeBefore("differs", "large");
    await project.startYard();
    const pieces = snippets.filter(({ language }) => language === "sh");
    const states = async () => {
      const lines = (await project.run(`${COMPARED} --json`)).trim().split("\n");
      return Object.fromEntries(lines.map((line) => JSON.parse(line)).map(({ id, state }) => [id, state]));
    };

    let printed = "";
    for (const { text } of pieces) printed += await project.run(text);
    const differs = "stackyard adopt differs --machine app --from 'old-states/{stack}.tfstate' --metadata size=";
    expect(await project.run(`${differs}small || echo "exit $?"`)).toMatch(/^differs .*\nexit 2$/m);

    expect(pieces.filter(({ note }) => note !== "play")).toEqual([]);
    const shown =
      snippets
        .find(({ language }) => language === "text")
        ?.text.trimEnd()
        .split("\n") ?? [];
    expect(printed.split("\n").filter((line) => shown.includes(line))).toEqual(shown);
    const expected = { shop: "LIVE", blog: "LIVE", differs: "DIFFERS" };
    await vi.waitFor(async () => expect(await states()).toEqual(expected), { timeout: 120_000, interval: 500 });
    const versions = await project.run("stackyard states ls --json");
    expect(versions.match(/"current":1/g)?.length).toBe(3);
    expect(await project.run(`${differs}large || true`)).toMatch(/^adopted /m);
    await vi.waitFor(async () => expect((await states())["differs"]).toBe("LIVE"), {
      timeout: 120_000,
      interval: 500,
    });
  });
});
