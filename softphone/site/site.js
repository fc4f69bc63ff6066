// The page until there is a softphone: it shows what this site is set up with, and whether a post reaches the telemetry API.

const byId = (id) => document.getElementById(id);

// nothingToKeep is a body that no telemetry API can keep anything of: it names no agent and no record.
const nothingToKeep = JSON.stringify({ test: "reachability" });

const timeoutMillis = 10_000;

async function readConfig() {
  let answer;
  try {
    answer = await fetch("config.json", { cache: "no-store" });
  } catch {
    throw new Error("config.json could not be fetched. Check the connection and reload.");
  }
  if (!answer.ok) {
    throw new Error(`config.json is missing (${answer.status}). The tenant’s stack writes it; have the stack updated.`);
  }
  let config;
  try {
    config = await answer.json();
  } catch {
    throw new Error("config.json is not JSON. The tenant’s stack writes it; have the stack updated.");
  }
  const wrong = wrongMembers(config);
  if (wrong.length > 0) {
    throw new Error(`config.json lacks, or has in a wrong form: ${wrong.join(", ")}.`);
  }
  return config;
}

function wrongMembers(config) {
  if (config === null || typeof config !== "object") {
    return ["everything"];
  }
  const isText = (value) => typeof value === "string" && value !== "";
  const wrong = ["tenant", "displayName", "region", "artifactVersion"].filter((name) => !isText(config[name]));
  if (!isAddress(config.telemetryApi)) {
    wrong.push("telemetryApi");
  }
  if (!Array.isArray(config.connectInstances) || !config.connectInstances.every((it) => isText(it?.alias) && isAddress(it.ccpUrl))) {
    wrong.push("connectInstances");
  }
  return wrong;
}

function isAddress(value) {
  try {
    return ["https:", "http:"].includes(new URL(value).protocol);
  } catch {
    return false;
  }
}

function show(config) {
  document.title = `${config.displayName} · Earshot`;
  byId("name").textContent = config.displayName;
  byId("lead").textContent = `Tenant ${config.tenant}, ${config.region}`;
  byId("api").textContent = config.telemetryApi;
  byId("version").textContent = `Version ${config.artifactVersion}`;
  byId("no-instances").hidden = config.connectInstances.length > 0;
  byId("instances").replaceChildren(...config.connectInstances.map(instanceItem));
  byId("test").addEventListener("click", () => void test(config.telemetryApi));
  byId("content").hidden = false;
}

function instanceItem(instance) {
  const item = document.createElement("li");
  const alias = document.createElement("strong");
  const region = document.createElement("span");
  const link = document.createElement("a");
  alias.textContent = instance.alias;
  region.textContent = instance.region ?? "";
  link.textContent = instance.ccpUrl;
  link.href = instance.ccpUrl;
  link.rel = "noreferrer";
  item.append(alias, region, link);
  return item;
}

async function test(api) {
  const button = byId("test");
  button.disabled = true;
  say("Sending…", "");
  try {
    const answer = await fetch(`${api.replace(/\/$/, "")}/apimetrics`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: nothingToKeep,
      signal: AbortSignal.timeout(timeoutMillis),
    });
    const [text, tone] = await readAnswer(answer);
    say(text, tone);
  } catch {
    say(
      "No answer that this page may read. Either the API cannot be reached, or it does not allow this site’s origin " +
        `(${location.origin}).`,
      "bad",
    );
  } finally {
    button.disabled = false;
  }
}

async function readAnswer(answer) {
  const { code = "" } = await answer.json().catch(() => ({}));
  if (answer.status === 422) {
    return ["The API was reached: it read the post and refused it, as it should (422). Nothing was kept.", "good"];
  }
  const known = {
    403: "The API refuses posts from this site’s origin (403).",
    410: "The API was reached. This tenant is suspended, so it takes no statistics (410).",
    429: "The API was reached, but takes no more posts just now (429). Try again in a moment.",
    503: "The API was reached, but cannot take statistics just now (503). Try again in a moment.",
  };
  const text = known[answer.status] ?? `The API gave an answer that was not expected (${answer.status}).`;
  return [code === "" ? text : `${text} [${code}]`, "bad"];
}

function say(text, tone) {
  const result = byId("result");
  result.textContent = text;
  result.className = tone;
}

try {
  show(await readConfig());
} catch (error) {
  byId("lead").hidden = true;
  byId("problem-text").textContent = error.message;
  byId("problem").hidden = false;
}
