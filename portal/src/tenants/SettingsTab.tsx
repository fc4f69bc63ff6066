import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import Toggle from "@cloudscape-design/components/toggle";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { bodyOf } from "../api/client";
import { useService } from "../api/context";
import { fieldErrors, isOld } from "../api/problem";
import type { Tenant } from "../api/types";
import { useIntent } from "../api/useIntent";
import { changed, useEdit } from "../parts/edit";
import { ChangeButton } from "../parts/MayChange";
import { Others } from "../parts/Others";
import { ProblemAlert } from "../parts/ProblemAlert";
import { paths } from "../paths";
import { notify } from "../shell/notices";
import { changeOf, labelOf, sections, settingsForm, settingTrouble, type Member } from "./settings";

/** A tenant's settings, each with its default; saved together, under the version that was read. */
export function SettingsTab({ tenant, tag }: { readonly tenant: Tenant; readonly tag: string }) {
  const { api } = useService();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const once = useIntent();
  const theirs = settingsForm(tenant);
  const edit = useEdit(`settings.${tenant.slug}`, theirs);
  const [strict, setStrict] = useState(false);
  const touched = changed(edit.base, edit.form);
  const members = sections.flatMap((section) => section.members).filter(({ pointer }) => touched.includes(pointer));
  const save = useMutation({
    mutationFn: () =>
      once((key) =>
        bodyOf(
          api.PATCH("/v1/tenants/{slug}", {
            params: { path: { slug: tenant.slug }, header: { "Idempotency-Key": key, "If-Match": tag } },
            body: changeOf(edit.base, edit.form),
          }),
        ),
      ),
    onSuccess: async (answer) => {
      await queries.invalidateQueries({ queryKey: ["tenant", tenant.slug] });
      edit.forget();
      if ("operation" in answer) return navigate({ to: paths.operation(answer.operation.id) });
      notify({ id: `settings.${tenant.slug}`, type: "success", header: `The settings of ${tenant.slug} are saved` });
    },
    onError: async (error) => {
      if (isOld(error)) await queries.invalidateQueries({ queryKey: ["tenant", tenant.slug] });
    },
  });
  const refused = fieldErrors(save.error);
  const textOf = (member: Member): string => {
    const text = edit.form[member.pointer] ?? "";
    const trouble = strict || text !== "" ? settingTrouble(member, text) : undefined;
    return trouble ?? [...refused].find(([pointer]) => pointer === member.pointer || pointer.startsWith(`${member.pointer}/`))?.[1] ?? "";
  };
  const idle = reasonToWait(tenant, members, edit.others !== undefined);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setStrict(true);
        if (idle === undefined && members.every((member) => settingTrouble(member, edit.form[member.pointer] ?? "") === undefined)) save.mutate();
      }}
    >
      <Form
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              variant="link"
              formAction="none"
              disabled={touched.length === 0}
              onClick={() => {
                edit.forget();
                save.reset();
              }}
            >
              Take back
            </Button>
            <ChangeButton variant="primary" loading={save.isPending} formAction="submit" because={idle}>
              Save
            </ChangeButton>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          <Others
            edit={edit}
            theirs={theirs}
            label={labelOf}
            goOn={() => {
              edit.goOn();
              save.reset();
            }}
          />
          {edit.others !== undefined && isOld(save.error) ? null : <ProblemAlert error={save.error} what="Saving" />}
          {sections.map(({ title, explained, members: shown }) => (
            <Container key={title} header={<Header variant="h2" description={explained}>{title}</Header>}>
              <ColumnLayout columns={shown.length > 4 ? 3 : 2}>
                {shown.map((member) => (
                  <FormField
                    key={member.pointer}
                    label={member.label}
                    description={member.explained}
                    constraintText={member.standard === "" ? undefined : `Default: ${member.standard}`}
                    errorText={textOf(member)}
                  >
                    <Field member={member} text={edit.form[member.pointer] ?? ""} change={(text) => edit.change({ ...edit.form, [member.pointer]: text })} />
                  </FormField>
                ))}
              </ColumnLayout>
            </Container>
          ))}
          {touched.length === 0 ? null : (
            <Alert type="info" header={touched.length === 1 ? "One change" : `${touched.length} changes`}>
              {members.some(({ byStack }) => byStack)
                ? "The tenant's stack carries them: an operation of some minutes brings them, proves the tenant with a synthetic call, and takes them back when it fails."
                : "They hold at once."}
              <Box>
                {members.map(({ pointer, label }) => (
                  <div key={pointer}>
                    {label}: {shownText(edit.base[pointer])} → {shownText(edit.form[pointer])}
                  </div>
                ))}
              </Box>
            </Alert>
          )}
        </SpaceBetween>
      </Form>
    </form>
  );
}

const shownText = (text = ""): string => (text === "" ? "none" : text.split(/\s*\n\s*/).join(", "));

/** Why nothing can be saved now. */
function reasonToWait({ state, active_operation }: Tenant, members: readonly Member[], isBetween: boolean): string | undefined {
  if (members.length === 0) return "Nothing is changed.";
  if (isBetween) return "Somebody else has changed the same; look at that first.";
  if (active_operation !== undefined) return "An operation is under way; wait for its end.";
  if (state === "active" || (state === "failed" && members.every(({ byStack }) => !byStack))) return undefined;
  return `The tenant is ${state}; only an active one can be changed.`;
}

interface FieldProps {
  readonly member: Member;
  readonly text: string;
  readonly change: (text: string) => void;
}

function Field({ member: { kind }, text, change }: FieldProps) {
  switch (kind) {
    case "text":
      return <Input value={text} onChange={({ detail }) => change(detail.value)} />;
    case "number":
      return <Input value={text} inputMode="decimal" onChange={({ detail }) => change(detail.value.trim())} />;
    case "lines":
      return <Textarea value={text} rows={3} spellcheck={false} onChange={({ detail }) => change(detail.value)} />;
    case "switch":
      return (
        <Toggle checked={text === "on"} onChange={({ detail }) => change(detail.checked ? "on" : "off")}>
          {text}
        </Toggle>
      );
    default: {
      const options = kind.map((value) => ({ value, label: value }));
      return (
        <Select selectedOption={options.find(({ value }) => value === text) ?? null} options={options} onChange={({ detail }) => change(detail.selectedOption.value ?? "")} />
      );
    }
  }
}
