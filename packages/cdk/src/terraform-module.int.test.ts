import { execFile, execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { PARAMETERS_OF } from "./templates/parameter-definitions.ts";

const FOLDER = join(import.meta.dirname, "../terraform");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".tf"));
const source = files.map((name) => readFileSync(join(FOLDER, name), "utf8")).join("\n");

function hasTerraform(): boolean {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("the Terraform module", () => {
  it.skipIf(!hasTerraform())("has the form of `terraform fmt` (skipped without Terraform)", async () => {
    const { stdout } = await promisify(execFile)("terraform", ["fmt", "-check", "-recursive", "-diff", FOLDER]);

    expect(stdout).toBe("");
  });

  it("makes one stack and nothing else", () => {
    const resources = [...source.matchAll(/^resource "([^"]+)"/gm)].map(([, type]) => type);

    expect(resources).toEqual(["aws_cloudformation_stack"]);
  });

  it("gives each template the keys of its code, by the names of its parameters", () => {
    const rows = [...source.matchAll(/^ {4}(\S+) += \{ ?(.*)\}$/gm)].map(([, template = "", row = ""]) => [
      template,
      [...row.matchAll(/(\w+) = /g)].map(([, name]) => name),
    ]);

    const ofCode = Object.entries(PARAMETERS_OF).map(([template, names]) => [
      template,
      names.filter((name) => name.endsWith("CodeKey")),
    ]);
    expect(rows).toEqual(ofCode);
    const withBucket = Object.entries(PARAMETERS_OF).filter(([, names]) => names.some((name) => name === "CodeBucket"));
    expect(withBucket.map(([template]) => template)).toEqual(
      ofCode.filter(([, keys = []]) => keys.length > 0).map(([template]) => template),
    );
  });

  it("describes every variable in its README", () => {
    const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
    const variables = [...source.matchAll(/^variable "([^"]+)"/gm)].map(([, name]) => name);

    expect(variables.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});
