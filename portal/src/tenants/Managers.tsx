import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown, { type ButtonDropdownProps } from "@cloudscape-design/components/button-dropdown";
import Header from "@cloudscape-design/components/header";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { bodyOf, emptyOf, type API } from "../api/client";
import { useService } from "../api/context";
import { managersQuery } from "../api/queries";
import type { Manager, Tenant } from "../api/types";
import { useIntent } from "../api/useIntent";
import { CopyAddress } from "../parts/Copy";
import { ChangeButton, useChangeReason } from "../parts/MayChange";
import { ProblemAlert } from "../parts/ProblemAlert";
import { When } from "../parts/When";
import { paths } from "../paths";
import { notify } from "../shell/notices";

/** People of the tenant who may see its space and its calls. */
export function Managers({ tenant }: { readonly tenant: Tenant }) {
  const { api } = useService();
  const listed = useQuery(managersQuery(api, tenant.slug));
  const columns: TableProps.ColumnDefinition<Manager>[] = [
    { id: "email", header: "E-mail", isRowHeader: true, cell: ({ email }) => email },
    { id: "group", header: "May", cell: ({ group }) => (group === undefined ? "nothing: the invitation broke off" : may[group]) },
    { id: "status", header: "Sign-in", cell: (manager) => <SignInState manager={manager} /> },
    { id: "invited", header: "Invited", cell: ({ invited_at }) => <When at={invited_at} /> },
    { id: "actions", header: "Actions", cell: (manager) => <Actions tenant={tenant} manager={manager} /> },
  ];
  return (
    <SpaceBetween size="m">
      <ProblemAlert error={listed.error} what="The managers cannot be listed" retry={listed.refetch} />
      <Table
        header={
          <Header
            variant="h2"
            counter={listed.data === undefined ? undefined : `(${listed.data.length})`}
            description="People of the contact centre. They sign in to its space and see its calls, and no other tenant's."
            actions={
              <ChangeButton right="managers.change" href={paths.newManager(tenant.slug)} because={noPool(tenant)}>
                Invite a manager
              </ChangeButton>
            }
          >
            Managers
          </Header>
        }
        columnDefinitions={columns}
        items={listed.data ?? []}
        trackBy="id"
        wrapLines
        loading={listed.isPending}
        loadingText="Asking for the managers"
        ariaLabels={{ tableLabel: "Managers" }}
        empty={
          <Box textAlign="center">
            <SpaceBetween size="s">
              <b>Nobody is invited yet</b>
              <Box color="text-body-secondary">
                Whoever is invited gets a temporary password by e-mail, chooses one of their own at the managers’ sign-in, and sees the
                calls of {tenant.display_name}: as a viewer, or as a manager who may change its space too.
              </Box>
            </SpaceBetween>
          </Box>
        }
      />
      <Box>
        They sign in at <CopyAddress url={tenant.urls.manager_sign_in} what="the managers' sign-in" open />
      </Box>
    </SpaceBetween>
  );
}

const may = { managers: "see and change the space", viewers: "see the space" } as const;

/** Why nobody can be invited now. */
function noPool({ state, stack }: Tenant): string | undefined {
  if (state === "deleting" || state === "deleted") return `The tenant is ${state}.`;
  return stack.name === undefined ? "The tenant has no user pool yet: its stack is still to be built." : undefined;
}

function SignInState({ manager: { enabled, status } }: { readonly manager: Manager }) {
  if (!enabled) return <StatusIndicator type="stopped">disabled</StatusIndicator>;
  switch (status) {
    case "active":
      return <StatusIndicator type="success">active</StatusIndicator>;
    case "invited":
      return <StatusIndicator type="pending">invited</StatusIndicator>;
    case "expired":
      return <StatusIndicator type="warning">invitation expired</StatusIndicator>;
  }
}

type Deed = "managers" | "viewers" | "enable" | "disable" | "resend";

const done: Record<Deed, string> = {
  managers: "may change the space now",
  viewers: "may only see the space now, and is signed out",
  enable: "may sign in again",
  disable: "is disabled, and signed out everywhere",
  resend: "gets a new temporary password by e-mail",
};

function act(api: API, slug: string, { email, group }: Manager, deed: Deed, key: string): Promise<Manager> {
  const header = { "Idempotency-Key": key };
  if (deed === "resend") {
    const body = { email, ...(group === undefined ? {} : { group }) };
    return bodyOf(api.POST("/v1/tenants/{slug}/managers", { params: { path: { slug }, header }, body }));
  }
  const body = deed === "enable" || deed === "disable" ? { enabled: deed === "enable" } : { group: deed };
  return bodyOf(api.PATCH("/v1/tenants/{slug}/managers/{email}", { params: { path: { slug, email }, header }, body }));
}

function Actions({ tenant: { slug }, manager }: { readonly tenant: Tenant; readonly manager: Manager }) {
  const { api } = useService();
  const queries = useQueryClient();
  const once = useIntent();
  const mayNot = useChangeReason("managers.change");
  const [isRemoving, setRemoving] = useState(false);
  const listAnew = () => queries.invalidateQueries({ queryKey: ["tenant", slug, "managers"] });
  const tell = (header: string): void => notify({ id: `manager.${slug}.${manager.email}`, type: "success", header });
  const change = useMutation({
    mutationFn: (deed: Deed) => once((key) => act(api, slug, manager, deed, key)),
    onSuccess: async (_, deed) => {
      await listAnew();
      tell(`${manager.email} ${done[deed]}`);
    },
    onError: (error) => notify({ id: `manager.${slug}.${manager.email}`, type: "error", header: manager.email, content: <ProblemAlert error={error} /> }),
  });
  const remove = useMutation({
    mutationFn: () =>
      once((key) =>
        emptyOf(api.DELETE("/v1/tenants/{slug}/managers/{email}", { params: { path: { slug, email: manager.email }, header: { "Idempotency-Key": key } } })),
      ),
    onSuccess: async () => {
      setRemoving(false);
      await listAnew();
      tell(`${manager.email} is removed, and signed out everywhere`);
    },
  });
  const items: ButtonDropdownProps.Item[] = [
    manager.group === "managers" ? { id: "viewers", text: "Let only see the space" } : { id: "managers", text: "Let change the space" },
    manager.enabled ? { id: "disable", text: "Disable" } : { id: "enable", text: "Enable" },
    {
      id: "resend",
      text: "Send the invitation again",
      disabled: manager.status !== "expired" && manager.group !== undefined,
      disabledReason: manager.status === "active" ? "They have chosen a password of their own." : "The invitation is still good.",
    },
    { id: "remove", text: "Remove" },
  ];
  return (
    <>
      <ButtonDropdown
        variant="icon"
        ariaLabel={`Actions for ${manager.email}`}
        expandToViewport
        loading={change.isPending}
        items={mayNot === undefined ? items : items.map((item) => ({ ...item, disabled: true, disabledReason: mayNot }))}
        onItemClick={({ detail }) => {
          if (detail.id === "remove") setRemoving(true);
          else if (isDeed(detail.id)) change.mutate(detail.id);
        }}
      />
      <Modal
        visible={isRemoving}
        onDismiss={() => setRemoving(false)}
        header={`Remove ${manager.email}`}
        closeAriaLabel="Close"
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={() => setRemoving(false)}>Cancel</Button>
              <Button variant="primary" loading={remove.isPending} onClick={() => remove.mutate()}>
                Remove
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        <SpaceBetween size="m">
          <ProblemAlert error={remove.error} what="Removing" />
          They are signed out everywhere. Their address can be invited again, as somebody new.
        </SpaceBetween>
      </Modal>
    </>
  );
}

const isDeed = (id: string): id is Deed => id in done;
