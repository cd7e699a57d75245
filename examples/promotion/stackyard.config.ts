import { join } from "node:path";
import { defineConfig } from "stackyard";

// Where the environments are made. Terraform reads it as the variable "folder", because it runs in a copy of its module.
process.env["TF_VAR_folder"] ??= join(import.meta.dirname, "environments");

export default defineConfig({
  machines: "machines",
  dataDir: ".stackyard",
  executors: {
    terraform: { passEnvironment: ["TF_VAR_folder"] },
    // The applications of tenants; nothing is called in AWS in this mode.
    lambda: { functions: { app: "./functions/app.mjs" }, mode: "local" },
  },
  // When this process dies, another takes over its tasks after this time.
  worker: { lease: "5s" },
});
