"""What a person looks at: tables of a workspace, contact sheets, the state of the machine."""
