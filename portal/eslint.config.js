import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist/", "node_modules/", "screenshots/", "**/*.gen.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.js", "scripts/*.js"] } } } },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [hooks.configs.flat["recommended-latest"]],
    rules: {
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/only-throw-error": ["error", { allow: [{ from: "package", package: "@tanstack/router-core", name: ["Redirect", "NotFoundError"] }] }],
      "no-console": "error",
    },
  },
  {
    files: ["src/{api,pages,parts,session,shell,tenants}/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [{ regex: "/router$", message: "The router knows the pages: find a route by its path (getRouteApi)." }] }] },
  },
  { files: ["**/*.js"], extends: [tseslint.configs.disableTypeChecked], languageOptions: { globals: { console: "readonly", process: "readonly" } } },
);
