(function_item name: (_) @name) @symbol.function
(function_signature_item name: (_) @name) @symbol.function
(struct_item name: (_) @name) @symbol.struct
(enum_item name: (_) @name) @symbol.enum
(union_item name: (_) @name) @symbol.union
(trait_item name: (_) @name) @symbol.trait
(impl_item trait: (_)? @trait type: (_) @name) @symbol.impl
(type_item name: (_) @name) @symbol.type
(associated_type name: (_) @name) @symbol.type
(const_item name: (_) @name) @symbol.constant
(static_item name: (_) @name) @symbol.constant
(mod_item name: (_) @name) @symbol.module
(macro_definition name: (_) @name) @symbol.macro
(enum_variant name: (_) @name) @symbol.variant
(field_declaration name: (_) @name) @symbol.field
(closure_expression) @scope
(let_declaration pattern: (_) @bind.variable)
(let_condition pattern: (_) @bind.variable)
(for_expression pattern: (_) @bind.variable)
(match_arm pattern: (_) @bind.variable)
(parameter pattern: (_) @bind.parameter)
(closure_parameters (_) @bind.parameter)
(type_parameter name: (_) @bind.parameter)
(const_parameter name: (_) @bind.parameter)
(use_as_clause alias: (_) @bind.alias)
