import { join } from "node:path";
import { defineConfig } from "stackyard";

// Where the environments are made. Terraform reads it as the variable "folder", because it runs in a copy of its module.
const folder = process.env["TF_VAR_folder"] ?? join(import.meta.dirname, "environments");
process.env["TF_VAR_folder"] = folder;

export default defineConfig({
  machines: "machines",
  dataDir: ".stackyard",
  executors: {
    terraform: { passEnvironment: ["TF_VAR_folder"] },
    lambda: {
      // The applications of tenants; nothing is called in AWS in this mode. A function sees the variables that it is given.
      functions: {
        app: { file: "./functions/app.mjs", env: { TF_VAR_folder: folder, APP_MS: process.env["APP_MS"] ?? "0" } },
      },
      mode: "local",
    },
  },
  // When this process dies, another takes over its tasks after this time.
  worker: { lease: "5s" },
});
